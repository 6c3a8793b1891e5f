import { describeFault, type Fault } from "./hazards.ts";
import { type Played, play } from "./schedule.ts";

/** A schedule that fails with as few faults as could be found. */
export interface Shrunk {
  seed: number;
  faults: Fault[];
  played: Played;
}

/**
 * Takes faults away, halves first and then one by one, for as long as the same invariant does not
 * hold.
 */
export async function shrink(seed: number, failed: Played): Promise<Shrunk> {
  const broken = failed.violations[0]?.invariant;
  const isStill = ({ violations }: Played) => violations.some((one) => one.invariant === broken);
  let faults = failed.faults;
  for (let size = faults.length; size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < faults.length; ) {
      const fewer = faults.toSpliced(from, size);
      const played = await play(seed, { faults: fewer });
      if (isStill(played)) faults = fewer;
      else from += size;
    }
  }
  return { seed, faults, played: await play(seed, { faults, isTraced: true }) };
}

/**
 * The failure as people read it: what is wrong, what befell whom, and all that happened to that
 * run.
 */
export function explainShrunk({ seed, faults, played }: Shrunk): string {
  const wrong = played.violations.map((one) => `  ${one.invariant} of ${one.runId}: ${one.wrong}`);
  const runId = played.violations[0]?.runId ?? "";
  const builds = [...played.world.builds.builds.values()].filter(({ tags }) =>
    tags.includes(runId),
  );
  const names = [runId, ...builds.map(({ id }) => id)].filter(Boolean);
  const about = played.trace.filter(
    (line) => line.includes("←") || names.some((name) => line.includes(name)),
  );
  return [
    `seed ${seed} fails with ${faults.length} faults at single calls:`,
    ...faults.map((fault) => `  ${describeFault(fault)}`),
    "What is wrong:",
    ...wrong,
    `What happened${names.length > 0 ? ` to ${names.join(", ")}` : ""}:`,
    ...about,
  ].join("\n");
}
