import { median, ratioOf } from "./statistics.ts";

/** What a benchmark gets from its surroundings. */
export interface Context {
  /** Rounds, where somebody has asked for a number of them. */
  rounds: number | undefined;
  /** Addresses of Google's emulators, `host:port`, as far as they are given. */
  emulators: Partial<Record<"firestore" | "pubsub" | "storage", string>>;
  /**
   * Whatever a benchmark starts goes on it at once: it is ended after the benchmark, or on Ctrl-C.
   */
  cleanup: AsyncDisposableStack;
  /** Says on one line what is being done. */
  progress(text: string): void;
}

/** A benchmark: its name on the command line, one line about it, and the work. */
export interface Benchmark {
  name: string;
  summary: string;
  run(context: Context): Promise<Table[]>;
}

/** A result as it is printed. The first column is text, the others are right-aligned. */
export interface Table {
  title: string;
  columns: string[];
  rows: string[][];
  notes: string[];
}

/** One thing of several that are compared. */
export interface Variant<T> {
  name: string;
  measure(round: number): Promise<T>;
}

/**
 * Measures variants in turn (A B C, then B C A, …), so that other load on the machine meets all of
 * them alike. Returns each one's samples, the n-th of the n-th round.
 */
export async function interleave<T>(
  { progress }: Pick<Context, "progress">,
  variants: readonly Variant<T>[],
  rounds: number,
): Promise<Map<string, T[]>> {
  const samples = new Map<string, T[]>(variants.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < variants.length; turn += 1) {
      const variant = variants[(round + turn) % variants.length] as Variant<T>;
      progress(`round ${round + 1} of ${rounds}: ${variant.name}`);
      samples.get(variant.name)?.push(await variant.measure(round));
    }
  }
  return samples;
}

/** A cell with the median of what `pick` takes of each sample. */
export function medianCell<T>(samples: readonly T[], pick: (sample: T) => number): string {
  return figure(median(samples.map(pick)));
}

/** A cell with the ratio to the samples of the baseline: `1.23x`. */
export function ratioCell<T>(
  samples: readonly T[],
  baseline: readonly T[],
  pick: (sample: T) => number,
): string {
  return `${ratioOf(samples.map(pick), baseline.map(pick)).toPrecision(3)}x`;
}

/** A number with three significant digits, or all those before its point. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}
