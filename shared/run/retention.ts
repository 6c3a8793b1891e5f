import { after } from "../clock.ts";
import { RUN_LIMITS } from "../limits.ts";
import { type Static, Type } from "../schema/type.ts";

const DAY_SECONDS = 24 * 3600;

const Days = Type.Optional(Type.Integer({ minimum: 1, maximum: 3650 }));

/**
 * For how many days what a run leaves is kept; absent: until it is erased. It holds for the runs
 * that are accepted while it is so.
 */
export const Retention = Type.Object({
  /**
   * The request with its prompt, from the run's end; an input archive, a day more from its upload.
   */
  promptDays: Days,
  /** The objects that show what became of it, from their upload; see {@link keptDays}. */
  outputDays: Days,
  /** The objects that the next turn of its conversation goes on from, likewise. */
  sessionDays: Days,
  /** Each event, from when it happened. Absent: `RUN_LIMITS.eventDays`. */
  eventDays: Days,
  /** The run's own documents, from its end; nothing else of it stays longer. */
  runDays: Days,
});
export type Retention = Static<typeof Retention>;

export const RETENTION_NAMES = Object.keys(Retention.properties) as (keyof Retention)[];

/** What an owner, or `*` for every one, has instead; null: what there is where nothing is said. */
export type RetentionTable = ReadonlyMap<string, { [name in keyof Retention]?: number | null }>;

/** An owner's own row, and for what it does not say the one of `*`. Undefined: nothing is said. */
export function retentionOf(table: RetentionTable, owner: string): Retention | undefined {
  const rows = { ...table.get("*"), ...table.get(owner) };
  const most = rows.runDays ?? Number.POSITIVE_INFINITY;
  const unsaid: typeof rows = { eventDays: RUN_LIMITS.eventDays };
  const said = RETENTION_NAMES.flatMap((name) => {
    const days = Math.min(rows[name] ?? unsaid[name] ?? most, most);
    const isDefault = days === (unsaid[name] ?? Number.POSITIVE_INFINITY);
    return isDefault ? [] : [[name, days] as const];
  });
  return said.length === 0 ? undefined : Object.fromEntries(said);
}

/** Days for which each event of a run is kept. */
export const eventDaysOf = ({ retention }: { retention?: Retention }): number =>
  retention?.eventDays ?? RUN_LIMITS.eventDays;

/** So many days after an instant; undefined: for ever. */
export const keptUntil = (from: Date, days: number | undefined): Date | undefined =>
  days === undefined ? undefined : after(from, days * DAY_SECONDS);

/**
 * What the next turn of a conversation goes on from; `patch.diff` too, but that shows the changes.
 */
const OF_SESSION =
  /^attempts\/[^/]+\/[^/]+\/(outputs|checkpoints\/\d+)\/(workspace\.diff$|session\/)/;
/** What the agent had no part in: claims, marks, seals, amounts. */
const OF_PROTOCOL = /^attempts\/[^/]+\/([^/]+\/(claim|cancel)|spending\/[^/]+)$/;

/** Days for which an object of an attempt is kept, by its name; undefined: for ever. */
export function keptDays(
  object: string,
  { outputDays, sessionDays, runDays }: Retention,
): number | undefined {
  if (OF_PROTOCOL.test(object)) return runDays;
  return OF_SESSION.test(object) ? sessionDays : outputDays;
}

/** A bucket deletes an object so many days after its `customTime`: Google's tools lose a zero. */
export const CUSTOM_TIME_DAYS = 1;

/** `customTime` of an object that is stored now, RFC 3339; undefined: it is kept for ever. */
export function customTimeOf(now: Date, days: number | undefined): string | undefined {
  return days === undefined ? undefined : keptUntil(now, days - CUSTOM_TIME_DAYS)?.toISOString();
}
