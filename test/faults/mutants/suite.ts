import { beyond, type Case, pairs, singles } from "../crash-points/cases.ts";
import { reachedPoints, SETTINGS } from "../crash-points/points.ts";
import { describeCrash } from "../crash-points/print.ts";
import { type Enumerated, enumerate } from "../crash-points/run.ts";
import { tell } from "../crash-points/story.ts";
import { enumerateEvents, reachedByEvents } from "../events/enumeration.ts";
import { playStretch, STRETCHES } from "../events/schedules.ts";
import { EVENT_SETTINGS, type EventSetting, tellEvents } from "../events/tell.ts";
import { SCENARIOS } from "../scenarios/scenarios.ts";
import { play } from "../schedules/schedule.ts";

/** What killed a mutant; undefined: nothing did. */
export interface Killed {
  invariant: string;
  by: string;
}

/** Cases between two looks at random schedules. */
const STRIDE = 7;

/**
 * Plays quiet settings and scenarios, then single crashes and random schedules by turns, then
 * pairs, for so many seconds of work.
 */
export async function firstFailure(seconds: number): Promise<Killed | undefined> {
  // Of this process alone: others share the machine.
  const isInTime = () => process.cpuUsage().user / 1e6 < seconds;
  for (const setting of SETTINGS) {
    const { violations } = await tell(setting);
    const [first] = violations;
    if (first !== undefined) return { invariant: first.invariant, by: "no crash at all" };
  }
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    const [first] = await scenario();
    if (first !== undefined) return { invariant: first.invariant, by: name };
  }
  return (await byRandom(isInTime, 40)) ?? (await byCrashes(isInTime));
}

/** Plays the stories of events, schedules, then a crash at each of their calls, for so many seconds of work. */
export async function firstFailureOfEvents(seconds: number): Promise<Killed | undefined> {
  const isInTime = () => process.cpuUsage().user / 1e6 < seconds;
  for (const setting of EVENT_SETTINGS) {
    const [first] = (await tellEvents(setting)).violations;
    if (first !== undefined)
      return { invariant: first.invariant, by: Object.values(setting).join() };
  }
  for (const [by, stretch] of Object.entries(STRETCHES)) {
    const [first] = await playStretch(stretch);
    if (first !== undefined) return { invariant: first.invariant, by };
  }
  const onCase = (so: Enumerated<EventSetting>) => so.failures.length === 0 && isInTime();
  const results = await enumerateEvents(await reachedByEvents(), { onCase });
  const [failure] = results.flatMap(({ failures }) => failures);
  const invariant = failure?.violations[0]?.invariant ?? "";
  return failure && { invariant, by: failure.case.crashes.map(describeCrash).join(", ") };
}

async function byRandom(isInTime: () => boolean, schedules: number): Promise<Killed | undefined> {
  for (let seed = 1; seed <= schedules && isInTime(); seed += 1) {
    const [first] = (await play(seed)).violations;
    if (first !== undefined) return { invariant: first.invariant, by: `schedule ${seed}` };
  }
  return undefined;
}

async function byCrashes(isInTime: () => boolean): Promise<Killed | undefined> {
  const reached = await reachedPoints();
  const first = await killedBy(strided([...singles(reached, 2)]), isInTime);
  if (first.killed !== undefined) return first.killed;
  const second = await killedBy(beyond(reached, first.seen), isInTime);
  if (second.killed !== undefined) return second.killed;
  const random = await byRandom(isInTime, 80);
  if (random !== undefined) return random;
  return (await killedBy(strided([...pairs(reached)]), isInTime)).killed;
}

/** The same cases in an order in which neighbours are unlike. */
function* strided(cases: readonly Case[]): Generator<Case> {
  for (let from = 0; from < STRIDE; from += 1) {
    for (let at = from; at < cases.length; at += STRIDE) yield cases[at] as Case;
  }
}

async function killedBy(cases: Iterable<Case>, isInTime: () => boolean) {
  const { failures, seen } = await enumerate(cases, {
    onCase: (so) => so.failures.length === 0 && isInTime(),
  });
  const [failure] = failures;
  const invariant = failure?.violations[0]?.invariant ?? "";
  const by = failure?.case.crashes.map(describeCrash).join(", ") ?? "";
  return { seen, killed: failure && { invariant, by } };
}
