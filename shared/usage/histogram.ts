/**
 * How often something took how long, or cost how much, in bins that each begin √2 times later than
 * the one before.
 */
export type Histogram = Record<string, number>;

const BINS_PER_DOUBLING = 2;

const binOf = (ms: number): number => Math.round(BINS_PER_DOUBLING * Math.log2(Math.max(1, ms)));
const msOf = (bin: number): number => Math.round(2 ** (bin / BINS_PER_DOUBLING));

/** The histogram with one more value. */
export function withValue(histogram: Histogram, ms: number): Histogram {
  const bin = binOf(ms);
  return { ...histogram, [bin]: (histogram[bin] ?? 0) + 1 };
}

/** What two histograms have together. */
export function joined(one: Histogram, other: Histogram): Histogram {
  const sums = { ...one };
  for (const [bin, count] of Object.entries(other)) sums[bin] = (sums[bin] ?? 0) + count;
  return sums;
}

/**
 * The middle of the bin of the value that `share` of all values do not exceed, in milliseconds: at
 * most a fifth beside it. Null: there is none.
 */
export function quantile(histogram: Histogram, share: number): number | null {
  const bins = Object.entries(histogram).map(([bin, count]) => [Number(bin), count] as const);
  bins.sort(([a], [b]) => a - b);
  const all = bins.reduce((sum, [, count]) => sum + count, 0);
  let below = 0;
  for (const [bin, count] of bins) {
    below += count;
    if (below >= share * all) return msOf(bin);
  }
  return null;
}
