import { Cron } from "croner";
import { after } from "../clock.ts";
import type { IncomingEvent } from "./incoming-event.ts";
import type { TriggerSource } from "./source.ts";

export type ScheduleSource = Extract<TriggerSource, { kind: "schedule" }>;

/** A tick that nobody has fired for so many seconds is missed. */
const MISSED = 300;

const cronOf = ({ cron, timeZone = "UTC" }: ScheduleSource): Cron =>
  new Cron(cron, { timezone: timeZone, mode: "5-part" });

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
 * the first instant after it, one that comes twice fires once, and what comes every so many minutes
 * goes on through both.
 */
export const nextTick = (source: ScheduleSource, from: Date): Date | null =>
  cronOf(source).nextRun(from);

/** What is done about a schedule that is due: the tick that fires, if one does; and the next. */
export interface DueTick {
  tick: Date | null;
  next: Date | null;
}

/** @param now the database's time */
export function dueTick(source: ScheduleSource, dueAt: Date, now: Date): DueTick {
  const missedUpTo = after(now, -MISSED);
  if (dueAt >= missedUpTo) return { tick: dueAt, next: nextTick(source, dueAt) };
  if (source.missed !== "once") return { tick: null, next: nextTick(source, missedUpTo) };
  const [latest = dueAt] = cronOf(source).previousRuns(1, after(now, 1));
  return { tick: latest > dueAt ? latest : dueAt, next: nextTick(source, now) };
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
