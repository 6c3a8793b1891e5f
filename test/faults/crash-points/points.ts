import type { Fate, LostStatus, Plan } from "../world/fate.ts";
import type { World } from "../world/world.ts";
import { DIMENSIONS, type Setting } from "./dimensions.ts";
import { pairwise } from "./pairwise.ts";
import { tell } from "./story.ts";

/** A call at which something may befall its caller: the how many-th of its site. */
interface CrashPoint {
  /** Handler and kind: `submitBuild firestore.commit`. */
  site: string;
  nth: number;
}

/** The points that are reached when nothing goes wrong, each with the settings that lead there. */
export type Reached<S = Setting> = ReadonlyMap<string, { point: CrashPoint; settings: S[] }>;

/** Calls of one site beyond these repeat what came before. */
const MOST_OF_A_SITE = 2;
/** Longer than a lease, so that whoever stood still finds it gone. */
const LONG_SECONDS = 150;
/** Longer than any caller waits for one call. */
const SLOW_SECONDS = 25;

const WRITES =
  /^\S+ (firestore\.(commit|batchWrite)|storage\.(insert|delete)|builds\.(create|cancel)|pubsub|outside\.(POST|PATCH))/;
const LOST: readonly LostStatus[] = ["UNAVAILABLE", "ABORTED", "INTERNAL", "DEADLINE_EXCEEDED"];

/** What Cloud Build says to more builds than it takes. */
const REFUSED: Fate = { type: "fail", status: "RESOURCE_EXHAUSTED" };

/** What may befall a call of the site. */
export function fatesOf(site: string): Fate[] {
  // What is asked over HTTP says in one way that nobody knows what became of it.
  const lost = / (storage|outside)\./.test(site) ? LOST.slice(0, 1) : LOST;
  return [
    { type: "die", when: "before" },
    { type: "die", when: "after" },
    { type: "freeze", when: "before", seconds: LONG_SECONDS },
    { type: "freeze", when: "after", seconds: LONG_SECONDS },
    { type: "fail", status: "UNAVAILABLE" },
    { type: "slow", seconds: SLOW_SECONDS },
    ...(WRITES.test(site) ? lost.map((status) => ({ type: "lost", status }) as const) : []),
    // CreateBuild is never repeated by its client: it would make a second build.
    ...(WRITES.test(site) && !/ (builds\.create$|outside\.)/.test(site)
      ? [{ type: "again" } as const]
      : []),
    ...(site.endsWith(" builds.create") ? [REFUSED] : []),
    ...(/^(?!runner).* storage\.download /.test(site) ? [{ type: "short" } as const] : []),
  ];
}

/** Every two values of the dimensions meet in one of these. */
export const SETTINGS: readonly Setting[] = pairwise(DIMENSIONS);

/** Calls that change nothing and that nobody waits for. */
const IDLE = / firestore\.rollback$/;

/** A setting in which nothing goes wrong. */
interface Quiet {
  /** How often each site was called. */
  seen: ReadonlyMap<string, number>;
  /** When its last run ended; undefined: one did not. */
  endMs: number | undefined;
}

/** Plays a setting to its end. */
type Play<S> = (setting: S) => Promise<{ world: World }>;

/** Of the settings that were played, by their texts: each is always the same. */
const played = new WeakMap<Play<never>, Map<string, Promise<Quiet>>>();

/** Plays a setting with nothing going wrong, the first time that it is asked for. */
export function quiet<S>(play: Play<S>, setting: S): Promise<Quiet> {
  const known = played.get(play) ?? new Map<string, Promise<Quiet>>();
  played.set(play, known);
  const key = JSON.stringify(setting);
  const one =
    known.get(key) ??
    play(setting).then(({ world }): Quiet => ({ seen: world.seen, endMs: endOf(world) }));
  known.set(key, one);
  return one;
}

/** When the world's last run ended. */
export function endOf({ witness }: World): number | undefined {
  const ends = [...witness.records.values()].map(({ run }) => run.finishedAt?.getTime());
  return ends.length === 0 || ends.includes(undefined)
    ? undefined
    : Math.max(...(ends as number[]));
}

/** Finds the points by playing every setting with nothing going wrong. */
export const reachedPoints = (): Promise<Reached> => reachedBy(SETTINGS, tell);

/** The points that these settings lead to. */
export async function reachedBy<S>(settings: readonly S[], play: Play<S>): Promise<Reached<S>> {
  const reached = new Map<string, { point: CrashPoint; settings: S[] }>();
  for (const setting of settings) {
    const { seen } = await quiet(play, setting);
    for (const [site, count] of seen) {
      if (IDLE.test(site)) continue;
      for (let nth = 1; nth <= Math.min(count, MOST_OF_A_SITE); nth += 1) {
        const key = `${site} ${nth}`;
        const entry = reached.get(key) ?? { point: { site, nth }, settings: [] };
        entry.settings.push(setting);
        reached.set(key, entry);
      }
    }
  }
  return reached;
}

/** What befalls whom. */
export interface Crash {
  point: CrashPoint;
  fate: Fate;
}

/** The plan in which each crash happens at its point. */
export function planOf(crashes: readonly Crash[]): Plan {
  const byPoint = new Map(crashes.map(({ point, fate }) => [`${point.site} ${point.nth}`, fate]));
  return ({ handler, kind, nth }) => byPoint.get(`${handler} ${kind} ${nth}`);
}
