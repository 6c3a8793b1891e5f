import { Cron } from "croner";
import { after } from "../clock.ts";
import type { IncomingEvent } from "./incoming-event.ts";
import type { TriggerSource } from "./source.ts";

export type ScheduleSource = Extract<TriggerSource, { kind: "schedule" }>;

/** A tick that nobody has fired for so many seconds is missed. */
const MISSED = 300;

const cronOf = ({ cron, timeZone = "UTC" }: ScheduleSource): Cron =>
  // Of a list or a range of hours or minutes each is a time of day, too.
  new Cron(cron, { timezone: timeZone, mode: "5-part", fixedTimeRule: "no-wildcard" });

/** What is wrong with a schedule, in words that go on after its name; undefined: nothing. */
export function scheduleFault(source: ScheduleSource): string | undefined {
  try {
    if (cronOf(source).nextRun() !== null) return undefined;
    return "never fires again";
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    return `is no schedule: ${said}; write five fields, as "0 3 * * 1-5", and a time zone as Europe/Berlin`;
  }
}

/**
 * The first tick after an instant; null: there is none. A time that the clock leaves out fires at
 * the first instant after it, and one that comes twice fires once. Where hours or minutes have `*`
 * or `/` it goes on through both: by what the clock shows at each real instant.
 */
export const nextTick = (source: ScheduleSource, from: Date): Date | null =>
  cronOf(source).nextRun(from);

/** What is done about a schedule that is due. */
export interface DueTick {
  /** The one that fires; null: it is missed, and so is each other before `next`. */
  tick: Date | null;
  next: Date | null;
}

/** @param now the database's time */
export function dueTick(source: ScheduleSource, dueAt: Date, now: Date): DueTick {
  const missedUpTo = after(now, -MISSED);
  if (dueAt >= missedUpTo) return { tick: dueAt, next: nextTick(source, dueAt) };
  if (source.missed !== "once") return { tick: null, next: nextTick(source, missedUpTo) };
  const latest = lastTick(source, after(now, 1)) ?? dueAt;
  // It is made up for by the latest, once those before that are passed over.
  if (latest > dueAt) return { tick: null, next: latest };
  return { tick: dueAt, next: nextTick(source, now) };
}

const lastTick = (source: ScheduleSource, before: Date): Date | undefined =>
  cronOf(source).previousRuns(1, before)[0];

/** In people's words, which ticks are missed: from one that was due up to the next. */
export function missedWords(
  source: ScheduleSource,
  { dueAt, next, now }: { dueAt: Date; next: Date | null; now: Date },
): string {
  const last = lastTick(source, next ?? now) ?? dueAt;
  const [from, to] = [dueAt.toISOString(), last.toISOString()];
  const which = last > dueAt ? `The ticks from ${from} to ${to} were` : `The tick of ${from} was`;
  return `${which} missed: nobody could fire within ${MISSED / 60} minutes.`;
}

/** The event of a tick, the same whoever fires it. */
export const tickEvent = (triggerId: string, tick: Date): IncomingEvent => ({
  id: `${triggerId}/${tick.toISOString()}`,
  source: `//runyard/triggers/${triggerId}`,
  type: "runyard.trigger.tick.v1",
  subject: triggerId,
  time: tick.toISOString(),
  extensions: {},
  data: { tick: tick.toISOString() },
});
