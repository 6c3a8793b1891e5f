import { DIMENSIONS, type Setting } from "./dimensions.ts";
import { type Crash, fatesOf, type Reached, SETTINGS } from "./points.ts";

/** Crashes in a setting. */
export interface Case<S = Setting> {
  setting: S;
  crashes: Crash[];
}

/** Calls after which something is so for good; what crosses with them matters most. */
const DECISIVE = /^(?!report|create).* (builds\.create|firestore\.commit|storage\.insert claim)$/;

/**
 * Each point with each of its fates, in so many of the settings that lead there; over its fates
 * each point meets others of them; what decides, in more.
 *
 * @param most Infinity: in all of them
 * @param decisive how many times as many
 */
export function* singles<S>(reached: Reached<S>, most: number, decisive = 6): Generator<Case<S>> {
  let turn = 0;
  for (const { point, settings } of reached.values()) {
    for (const fate of fatesOf(point.site)) {
      const count = Math.min(most * (DECISIVE.test(point.site) ? decisive : 1), settings.length);
      for (let taken = 0; taken < count; taken += 1) {
        turn += 1;
        const setting = settings[turn % settings.length];
        if (setting !== undefined) yield { setting, crashes: [{ point, fate }] };
      }
    }
  }
}

/** Each site that no quiet setting leads to, with each of its fates, after the crashes that do. */
export function* beyond<S>(
  reached: Reached<S>,
  seen: ReadonlyMap<string, Case<S>>,
): Generator<Case<S>> {
  const known = new Set([...reached.values()].map(({ point }) => point.site));
  for (const [site, { setting, crashes }] of seen) {
    if (known.has(site)) continue;
    for (const fate of fatesOf(site)) {
      yield { setting, crashes: [...crashes, { point: { site, nth: 1 }, fate }] };
    }
  }
}

/** What happens when all else is over, so that it crosses with nothing. */
const APART = /^deleteRun /;
/** Reads that follow another one of the same handler, at which nothing else can befall it. */
const FOLLOWING = / storage\.(list|download|metadata) (claim|outputs|checkpoints|other)$/;

/**
 * Each two sites in both orders that a quiet setting leads to, with the next two of their fates, in
 * the next of those settings.
 *
 * @param isEvery also those reads that follow others
 */
export function* pairs(reached: Reached, isEvery = false): Generator<Case> {
  const isLeft = (site: string) => APART.test(site) || (!isEvery && FOLLOWING.test(site));
  const entries = [...reached.values()].filter(({ point }) => !isLeft(point.site));
  const sites = new Map(entries.map((entry) => [entry.point.site, entry] as const));
  let turn = 0;
  for (const [first, { settings }] of sites) {
    for (const [second, { settings: others }] of sites) {
      turn += 1;
      const both = settings.filter((setting) => others.includes(setting));
      const setting = both[turn % both.length];
      if (setting === undefined) continue;
      const crashes = [
        crashAt(first, turn, 1),
        crashAt(second, Math.floor(turn / fatesOf(first).length), first === second ? 2 : 1),
      ];
      yield { setting, crashes };
    }
  }
}

function crashAt(site: string, nthFate: number, nth: number): Crash {
  const fates = fatesOf(site);
  return { point: { site, nth }, fate: fates[nthFate % fates.length] as Crash["fate"] };
}

/** Every setting that there is. */
function* everySetting(): Generator<Setting> {
  const names = Object.keys(DIMENSIONS) as (keyof Setting)[];
  yield* extended({}, names) as Generator<Setting>;
}

function* extended(setting: object, names: readonly (keyof Setting)[]): Generator<object> {
  const [name, ...others] = names;
  if (name === undefined) return yield setting;
  for (const value of DIMENSIONS[name]) yield* extended({ ...setting, [name]: value }, others);
}

/** Each point with each of its fates in every setting that there is. */
export function* fullSingles(reached: Reached): Generator<Case> {
  for (const { point } of reached.values()) {
    for (const fate of fatesOf(point.site)) {
      for (const setting of everySetting()) yield { setting, crashes: [{ point, fate }] };
    }
  }
}

/**
 * Each two points in both orders with each two of their fates, each in the next of the covering
 * settings.
 */
export function* fullPairs(reached: Reached): Generator<Case> {
  let turn = 0;
  const points = [...reached.values()].map(({ point }) => point);
  const crashes = points.flatMap((point) => fatesOf(point.site).map((fate) => ({ point, fate })));
  for (const first of crashes) {
    for (const second of crashes) {
      if (first.point === second.point) continue;
      turn += 1;
      const setting = SETTINGS[turn % SETTINGS.length];
      if (setting !== undefined) yield { setting, crashes: [first, second] };
    }
  }
}
