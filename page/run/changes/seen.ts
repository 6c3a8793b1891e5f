import { signal } from "@preact/signals";

const STORED = "runyard.seen";
/** Runs of which this browser remembers which files were seen; the oldest are forgotten. */
const MOST_RUNS = 100;

/** Names of the files that were seen, by the ids of their runs. */
type Seen = Readonly<Record<string, readonly string[]>>;

const seen = signal<Seen>({});

/** Reads what this browser remembers. */
export function openSeen(): void {
  seen.value = JSON.parse(localStorage.getItem(STORED) ?? "{}") as Seen;
}

export const isSeen = (run: string, name: string): boolean =>
  seen.value[run]?.includes(name) ?? false;

export const seenCount = (run: string): number => seen.value[run]?.length ?? 0;

export function setSeen(run: string, name: string, isNow: boolean): void {
  const { [run]: before = [], ...others } = seen.value;
  const names = before.filter((other) => other !== name);
  if (isNow) names.push(name);
  const entries = [...Object.entries(others), [run, names] as const];
  seen.value = Object.fromEntries(entries.slice(-MOST_RUNS));
  localStorage.setItem(STORED, JSON.stringify(seen.value));
}
