import { seededRandom } from "../../infra/emulators/wire/random.ts";
import { Callers } from "../faults/world/callers.ts";
import { World } from "../faults/world/world.ts";
import { type Counts, countedIn } from "./counts.ts";

/** A deployment, and what is asked of it. */
export interface Load {
  /** Runs that are sent in a second, at random instants. */
  rate: number;
  hours: number;
  /** The most runs that are sent: of a high rate the span is shorter. */
  runs: number;
  /**
   * Builds that may be live at a time, all targets together; and how many are created in a minute.
   */
  slots: number;
  createsPerMinute: number;
  /** How long agents work: from half of it to one and a half. */
  seconds: number;
  /** Turns of an agent: each reports, and is kept. */
  turns: number;
  seed: number;
}

/** Who sends how much of it. */
export const OWNERS: readonly { owner: string; share: number }[] = [
  { owner: "large", share: 0.7 },
  { owner: "middle", share: 0.2 },
  { owner: "small", share: 0.1 },
];

export interface Simulated {
  load: Load;
  /** For how long runs were sent, and until the last one was over. */
  sentSeconds: number;
  overSeconds: number;
  sent: number;
  /** Runs that had no build yet when the last one was sent. */
  behind: number;
  succeeded: number;
  /** From a run's acceptance to its build's creation, in seconds, shortest first, by owners. */
  waits: Map<string, number[]>;
  counts: Counts;
  /** Not all of them are over: what is said is of a part. */
  isStopped: boolean;
  /** What must always be so and was not. */
  violations: string[];
}

/** Is told how many runs are over; what it answers says whether to go on. */
export type OnProgress = (so: { over: number; elapsedMs: number }) => boolean;

const HOUR_MS = 3600_000;
/** How long the last of them may take to be over. */
const MOST_HOURS = 24 * 14;
/** Between a slot's end and the place's: nothing is refused while the slots hold. */
const SPARE_PLACES = 5;

/**
 * Sends runs to the real handlers in virtual time, and waits for all of them to be over. Google is
 * as its documentation has it: so many builds at a time, creates in a minute, and nothing goes
 * wrong.
 */
export async function simulate(load: Load, onProgress: OnProgress): Promise<Simulated> {
  const { rate, slots, createsPerMinute, seed } = load;
  const world = new World({
    seed,
    slots,
    createsPerMinute,
    weather: { places: slots + SPARE_PLACES, createsPerMinute: Math.ceil(createsPerMinute * 1.25) },
  });
  const counts = countedIn(world);
  const callers = new Callers(world);
  const random = seededRandom(seed + 1);
  const most = Math.min(load.runs, Math.round(rate * load.hours * 3600));
  const state = { sent: 0, sentMs: 0, behind: 0, isStopped: false };
  const send = () => {
    state.sent += 1;
    state.sentMs = world.time.elapsedMs();
    const seconds = load.seconds * (0.5 + random());
    const task = { seconds, turns: load.turns };
    void callers.post({ key: `run-${state.sent}`, owner: ownerOf(random()), task });
    if (state.sent < most) world.time.after((-Math.log(1 - random()) / rate) * 1000, send);
    else state.behind = most - world.builds.builds.size;
  };
  world.time.after(0, send);
  let beat = 0;
  const isOver = () => {
    beat += 1;
    const so = { over: world.witness.ends, elapsedMs: world.time.elapsedMs() };
    if (beat % 64 === 0 && !onProgress(so)) state.isStopped = true;
    const isDone = state.sent >= most && callers.open === 0 && world.isAtRest();
    return state.isStopped || isDone;
  };
  const isAtRest = await world.time.run(isOver, MOST_HOURS * HOUR_MS);
  const { witness } = world;
  const violations = witness.violations.map(({ invariant, wrong }) => `${invariant}: ${wrong}`);
  if (!isAtRest) violations.push(`not all runs were over after ${MOST_HOURS} hours`);
  return {
    load,
    sentSeconds: state.sentMs / 1000,
    overSeconds: world.time.elapsedMs() / 1000,
    sent: state.sent,
    behind: Math.max(0, state.behind),
    succeeded: [...witness.records.values()].filter(({ run }) => run.status === "succeeded").length,
    waits: waitsIn(world),
    counts,
    isStopped: state.isStopped,
    violations,
  };
}

function ownerOf(chance: number): string {
  let sum = 0;
  for (const { owner, share } of OWNERS) {
    sum += share;
    if (chance < sum) return owner;
  }
  return OWNERS.at(-1)?.owner ?? "";
}

function waitsIn({ builds, witness }: World): Map<string, number[]> {
  const waits = new Map<string, number[]>(OWNERS.map(({ owner }) => [owner, []]));
  const first = new Map<string, number>();
  for (const { tags, createdAtMs } of builds.builds.values()) {
    const [, runId = ""] = tags;
    if (!first.has(runId)) first.set(runId, createdAtMs);
  }
  for (const [id, { run }] of witness.records) {
    const createdAtMs = first.get(id);
    if (createdAtMs !== undefined)
      waits.get(run.owner)?.push((createdAtMs - run.createdAt.getTime()) / 1000);
  }
  for (const each of waits.values()) each.sort((a, b) => a - b);
  return waits;
}

/** The wait that so large a part of them is not above. */
export function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0;
}
