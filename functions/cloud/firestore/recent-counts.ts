/** How long a count is believed. */
const COUNT_MS = 10_000;
/** Things whose counts are remembered. */
const MOST = 10_000;

interface Count {
  at: number;
  count: number;
}

/** Counts that nobody waits for: each is made beside the first question of every ten seconds. */
export class RecentCounts {
  readonly #count: (id: string) => Promise<number>;
  readonly #now: () => Date;
  readonly #known = new Map<string, Count>();

  constructor(count: (id: string) => Promise<number>, now: () => Date) {
    this.#count = count;
    this.#now = now;
  }

  /** The last count that is known; 0: none was made, or none could be. */
  about(id: string): number {
    const at = this.#now().getTime();
    const known = this.#known.get(id);
    if (known === undefined || Math.abs(at - known.at) > COUNT_MS) {
      if (this.#known.size >= MOST) this.#known.clear();
      this.#known.set(id, { at, count: known?.count ?? 0 });
      this.#count(id).then(
        (count) => this.#known.set(id, { at, count }),
        // It is asked for again in a while, and until then nobody is refused more than before.
        () => {},
      );
    }
    return known?.count ?? 0;
  }
}
