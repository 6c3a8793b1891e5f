import { beyond, type Case, fullPairs, fullSingles, pairs, singles } from "./cases.ts";
import { type Reached, reachedPoints } from "./points.ts";
import { type Enumerated, enumerate, explain } from "./run.ts";

/** What `--crash-points` may be, and its cases. */
const KINDS: Record<string, (reached: Reached) => Iterable<Case>> = {
  singles: (reached) => singles(reached, Number.POSITIVE_INFINITY),
  pairs: (reached) => pairs(reached, true),
  *full(reached) {
    yield* fullSingles(reached);
    yield* fullPairs(reached);
  },
};

type Progress = <T>(describe: (so: T) => string) => (so: T) => boolean;

const soFar = ({ cases, runs, failures }: Enumerated): string =>
  `${cases} cases, ${runs} runs, ${failures.length} failed`;

/**
 * Enumerates crash points and prints what came of it.
 *
 * @throws {Error} if there is no such enumeration
 */
export async function crashPoints(kind: string, progress: Progress): Promise<boolean> {
  const casesOf = KINDS[kind];
  if (casesOf === undefined) {
    throw new Error(`--crash-points is ${kind}, and must be ${Object.keys(KINDS).join(", ")}`);
  }
  const startedAt = performance.now();
  const reached = await reachedPoints();
  const onCase = progress(soFar);
  const first = await enumerate(casesOf(reached), { onCase });
  const second = await enumerate(beyond(reached, first.seen), { onCase });
  const seconds = (performance.now() - startedAt) / 1000;
  for (const result of [first, second]) {
    process.stdout.write(`${soFar(result)}\n`);
    if (result.failures.length > 0) process.stdout.write(`${explain(result)}\n`);
  }
  const covered = first.covered.union(second.covered);
  process.stdout.write(
    `${reached.size} points, ${covered.size} fates at ${first.seen.size} sites in ${seconds.toFixed(0)} s\n`,
  );
  return first.failures.length + second.failures.length === 0;
}
