const MEBIBYTE = 1024 * 1024;

/** What bodies take up at a time, in bytes: together, and those of one sender. */
const DEFAULT_SIZE = { total: 128 * MEBIBYTE, share: 64 * MEBIBYTE } as const;

/** Room for the bodies of requests in hand: however many come, memory is bounded. */
export class BodyRoom {
  readonly #size: { total: number; share: number };
  readonly #taken = new Map<string, number>();
  #total = 0;

  constructor(size: { total: number; share: number } = DEFAULT_SIZE) {
    this.#size = size;
  }

  /**
   * Takes room for a body of so many bytes.
   *
   * @returns what gives it back, once; undefined: there is none
   */
  take(sender: string, bytes: number): (() => void) | undefined {
    const own = this.#taken.get(sender) ?? 0;
    if (own + bytes > this.#size.share || this.#total + bytes > this.#size.total) return undefined;
    this.#add(sender, bytes);
    let isTaken = true;
    return () => {
      if (isTaken) this.#add(sender, -bytes);
      isTaken = false;
    };
  }

  #add(sender: string, bytes: number): void {
    const own = (this.#taken.get(sender) ?? 0) + bytes;
    if (own === 0) this.#taken.delete(sender);
    else this.#taken.set(sender, own);
    this.#total += bytes;
  }
}
