import type { Plan } from "../world/fate.ts";
import type { Violation } from "../world/witness.ts";
import type { World } from "../world/world.ts";
import type { Case } from "./cases.ts";
import type { Setting } from "./dimensions.ts";
import { endOf, planOf, quiet } from "./points.ts";
import { describeCrash } from "./print.ts";
import { type Told, tell } from "./story.ts";

/** What came of many cases. */
export interface Enumerated<S = Setting> {
  cases: number;
  /** Those in which something befell somebody. */
  fired: number;
  runs: number;
  /** What does not hold, each with the case that shows it. */
  failures: { case: Case<S>; violations: Violation[] }[];
  /** How often each fate befell somebody. */
  byFate: Map<string, number>;
  /** `submitBuild firestore.commit: die after`: what befell somebody at least once. */
  covered: Set<string>;
  /**
   * Which calls were made at all, as `submitBuild firestore.commit`, and the first case that led
   * there.
   */
  seen: Map<string, Case<S>>;
  /** By how much later a run ended than without its crash, in milliseconds; in order. */
  delaysMs: number[];
}

const MOST_FAILURES = 20;

/** Plays a setting to its end. */
export type Telling<S> = (setting: S, options?: { plan?: Plan }) => Promise<Told>;

/** Plays cases of runs. */
export const enumerate = (
  cases: Iterable<Case>,
  options: { onCase?: (so: Enumerated) => boolean } = {},
): Promise<Enumerated> => enumerateBy(tell, cases, options);

/**
 * Plays the cases.
 *
 * @param options.onCase is called after each; false: no more of them
 */
export async function enumerateBy<S>(
  play: Telling<S>,
  cases: Iterable<Case<S>>,
  { onCase = () => true }: { onCase?: (so: Enumerated<S>) => boolean } = {},
): Promise<Enumerated<S>> {
  const result: Enumerated<S> = {
    cases: 0,
    fired: 0,
    runs: 0,
    failures: [],
    byFate: new Map(),
    covered: new Set(),
    seen: new Map(),
    delaysMs: [],
  };
  for (const one of cases) {
    const { world, violations } = await play(one.setting, { plan: planOf(one.crashes) });
    add(result, world, one);
    const usual = (await quiet(play, one.setting)).endMs ?? 0;
    const end = endOf(world);
    if (world.fired.size > 0 && end !== undefined) result.delaysMs.push(Math.max(0, end - usual));
    if (violations.length > 0) result.failures.push({ case: one, violations });
    if (result.failures.length >= MOST_FAILURES || !onCase(result)) break;
  }
  result.delaysMs.sort((left, right) => left - right);
  return result;
}

function add<S>(result: Enumerated<S>, world: World, one: Case<S>): void {
  result.cases += 1;
  if (world.covered.size > 0) result.fired += 1;
  result.runs += world.witness.records.size;
  for (const site of world.seen.keys()) {
    if (!result.seen.has(site)) result.seen.set(site, one);
  }
  for (const site of world.covered) result.covered.add(site);
  for (const [name, count] of world.fired) {
    result.byFate.set(name, (result.byFate.get(name) ?? 0) + count);
  }
}

/** The failures as people read them. */
export function explain<S>({ failures }: Enumerated<S>): string {
  return failures
    .slice(0, 5)
    .flatMap(({ case: { setting, crashes }, violations }) => {
      const wrong = violations.map(({ invariant, wrong }) => `  ${invariant}: ${wrong}`);
      return [`${crashes.map(describeCrash).join(", ")} in ${JSON.stringify(setting)}`, ...wrong];
    })
    .join("\n");
}
