import { describeError } from "../log.ts";
import type { Services } from "../services/services.ts";

/** How many runs, slots and triggers are visited at the same time. */
const WIDTH = 16;

/** How many due runs, slots and triggers a sweep has moved, and how many it could not. */
export interface Swept {
  visited: number;
  failed: number;
}

/** One sweep. */
export interface Sweep {
  now: Date;
  /** By this instance's clock. */
  until: Date;
  swept: Swept;
}

/**
 * Two sweeps at once begin at different ends; whoever comes second finds that nothing is due any
 * more.
 */
export function shuffled<T>(items: readonly T[], chance: () => number): T[] {
  const keyed = items.map((item) => ({ item, key: chance() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}

export async function inParallel<T>(
  queue: Iterator<T>,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const worker = async () => {
    for (let next = queue.next(); !next.done; next = queue.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: WIDTH }, worker));
}

/** Counts a visit and logs one that fails. */
export async function visited(
  services: Services,
  { swept, fields }: { swept: Swept; fields: Record<string, string> },
  visiting: () => Promise<void>,
): Promise<boolean> {
  swept.visited += 1;
  try {
    await visiting();
    return true;
  } catch (error) {
    swept.failed += 1;
    services.log("ERROR", `sweep: ${describeError(error)}`, fields);
    return false;
  }
}
