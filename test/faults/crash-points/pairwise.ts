/** Values by factor: what a case may have. */
export type Factors = Readonly<Record<string, readonly unknown[]>>;

/** The number of a value for each factor, by the factor's number; -1: not chosen yet. */
type Row = Int32Array;

/**
 * Few cases in which every two values of different factors meet: greedy, one case after the other,
 * each built around a pair that has not met, with the values that meet most others that have not.
 */
export function pairwise<F extends Factors>(factors: F): { [N in keyof F]: F[N][number] }[] {
  const names = Object.keys(factors);
  const sizes = names.map((name) => factors[name]?.length ?? 0);
  const open = new OpenPairs(sizes);
  const rows: Row[] = [];
  for (let row = open.next(); row !== undefined; row = open.next()) {
    complete(row, sizes, { open, turn: rows.length });
    open.close(row);
    rows.push(row);
  }
  return rows.map((row) => {
    const entries = names.map((name, at) => [name, factors[name]?.[row[at] ?? 0]]);
    return Object.fromEntries(entries) as { [N in keyof F]: F[N][number] };
  });
}

function complete(
  row: Row,
  sizes: readonly number[],
  { open, turn }: { open: OpenPairs; turn: number },
): void {
  for (const [factor, size] of sizes.entries()) {
    if (row[factor] !== -1) continue;
    let [best, most] = [0, -1];
    for (let tried = 0; tried < size; tried += 1) {
      // Begins elsewhere each time, so that values which close nothing take turns.
      const value = (tried + turn) % size;
      const closes = open.count(row, factor, value);
      if (closes > most) [best, most] = [value, closes];
    }
    row[factor] = best;
  }
}

/** The pairs of values that have not met in a case. */
class OpenPairs {
  readonly #sizes: readonly number[];
  /**
   * By the numbers of two factors, the lower first: 1 for each two of their values that have not
   * met.
   */
  readonly #open: Uint8Array[][];
  #at: [left: number, right: number, pair: number] = [0, 1, 0];

  constructor(sizes: readonly number[]) {
    this.#sizes = sizes;
    this.#open = sizes.map((left) => sizes.map((right) => new Uint8Array(left * right).fill(1)));
  }

  /** A case of which only a pair that has not met is chosen; undefined: all have. */
  next(): Row | undefined {
    let [left, right, pair] = this.#at;
    while (left < this.#sizes.length - 1) {
      const found = this.#open[left]?.[right]?.indexOf(1, pair) ?? -1;
      if (found >= 0) {
        this.#at = [left, right, found];
        const width = this.#sizes[right] ?? 1;
        const row = new Int32Array(this.#sizes.length).fill(-1);
        row[left] = Math.floor(found / width);
        row[right] = found % width;
        return row;
      }
      pair = 0;
      right += 1;
      if (right < this.#sizes.length) continue;
      left += 1;
      right = left + 1;
    }
    return undefined;
  }

  /** How many pairs would meet if the factor had this value in the row. */
  count(row: Row, factor: number, value: number): number {
    let count = 0;
    for (const [other, there] of row.entries()) {
      if (other === factor || there === -1) continue;
      count += this.#isOpen([factor, value], [other, there]);
    }
    return count;
  }

  close(row: Row): void {
    for (const [left, a] of row.entries()) {
      for (let right = left + 1; right < row.length; right += 1) {
        const pairs = this.#open[left]?.[right];
        if (pairs !== undefined) pairs[a * (this.#sizes[right] ?? 1) + (row[right] ?? 0)] = 0;
      }
    }
  }

  #isOpen([factor, value]: [number, number], [other, there]: [number, number]): number {
    if (factor > other) return this.#isOpen([other, there], [factor, value]);
    return this.#open[factor]?.[other]?.[value * (this.#sizes[other] ?? 1) + there] ?? 0;
  }
}
