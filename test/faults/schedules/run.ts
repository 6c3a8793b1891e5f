import { DOUBLED, LOST } from "../world/witness.ts";
import { EXPECTED } from "./hazards.ts";
import { type Played, play } from "./schedule.ts";
import { explainShrunk, shrink } from "./shrink.ts";

/** What came of many schedules. */
export interface Scheduled {
  schedules: number;
  runs: number;
  succeeded: number;
  /** Runs that were not over when nothing more could happen. */
  lost: number;
  /** Agents that worked beside another of the same run, or for one that was over. */
  doubled: number;
  fired: Map<string, number>;
  /** Seeds of schedules in which something does not hold, with the first of it. */
  failed: { seed: number; wrong: string }[];
  /** From the last fault to rest, in milliseconds. */
  recoveryMs: number[];
  seconds: number;
}

/** Of these, so many schedules may fail until no more are played. */
const MOST_FAILED = 10;

export interface ScheduleOptions {
  schedules: number;
  seed: number;
  /** Is called after each; false: no more of them. */
  onSchedule?: (so: Scheduled) => boolean;
}

/** Plays schedules with the seeds from `seed` on. */
export async function runSchedules(options: ScheduleOptions): Promise<Scheduled> {
  const { schedules, seed, onSchedule = () => true } = options;
  const startedAt = performance.now();
  const result: Scheduled = {
    schedules: 0,
    runs: 0,
    succeeded: 0,
    lost: 0,
    doubled: 0,
    fired: new Map(),
    failed: [],
    recoveryMs: [],
    seconds: 0,
  };
  for (let nth = 0; nth < schedules; nth += 1) {
    add(result, seed + nth, await play(seed + nth));
    result.seconds = (performance.now() - startedAt) / 1000;
    if (result.failed.length >= MOST_FAILED || !onSchedule(result)) break;
  }
  return result;
}

function add(result: Scheduled, seed: number, played: Played): void {
  const { accepted, succeeded, recoveryMs, violations, world } = played;
  result.schedules += 1;
  result.runs += accepted;
  result.succeeded += succeeded;
  result.recoveryMs.push(recoveryMs);
  for (const [name, count] of world.fired) {
    result.fired.set(name, (result.fired.get(name) ?? 0) + count);
  }
  for (const { invariant } of violations) {
    if (LOST.includes(invariant)) result.lost += 1;
    if (DOUBLED.includes(invariant)) result.doubled += 1;
  }
  const [first] = violations;
  if (first !== undefined) {
    result.failed.push({ seed, wrong: `${first.invariant} of ${first.runId}: ${first.wrong}` });
  }
}

/** Fewer runs cannot be held to what must befall somebody, or to how many succeed. */
const ENOUGH_RUNS = 2000;
const LEAST_SUCCEEDED = 0.6;

/** Why schedules prove nothing although none failed. */
export function weaknessesOf({ runs, succeeded, fired }: Scheduled): string[] {
  const missing = EXPECTED.filter((name) => !fired.has(name));
  const share = succeeded / Math.max(1, runs);
  return [
    ...(runs >= ENOUGH_RUNS ? missing.map((name) => `"${name}" befell nobody`) : []),
    ...(share < LEAST_SUCCEEDED ? [`only ${(share * 100).toFixed(1)} % succeeded`] : []),
  ];
}

/** A schedule that failed, with as few faults as show it. */
export async function explainFailed(seed: number): Promise<string> {
  return explainShrunk(await shrink(seed, await play(seed)));
}
