import { contentOf, reviseTrigger } from "../../../shared/triggers/change-trigger.ts";
import type { ScheduleSource } from "../../../shared/triggers/schedule.ts";
import { nextTick } from "../../../shared/triggers/schedule.ts";
import type { CreateTrigger, Trigger } from "../../../shared/triggers/trigger.ts";
import type { Violation } from "../world/witness.ts";
import { type Clock, instantsOf } from "./clock.ts";
import { eachTickFiresOnce, scheduleGoesOn } from "./invariants.ts";
import { storedTrigger } from "./parts.ts";
import type { Held } from "./stories.ts";
import { playStory } from "./tell.ts";
import { EventsWorld } from "./world.ts";

const MINUTE_MS = 60_000;
const UTC = { timeZone: "UTC" };

/** Has something done as each sweep begins. */
type OnSweep = (act: () => void) => void;

/** A stretch of time, and what becomes of its sweeps. */
interface Stretch {
  from: string;
  hours: number;
  /** Whether there is a sweep in the nth minute. Default: yes. */
  isSwept?: (nth: number) => boolean;
  /** Two sweeps begin at the same instant. */
  isDoubled?: boolean;
  /** @returns what is to be held at its end */
  begin(world: EventsWorld, start: Date, onSweep: OnSweep): Promise<(end: Date) => Held>;
}

type Source = Clock & Pick<ScheduleSource, "missed">;

/** Times of a day that a change of the clock leaves out or has twice, and what goes on through it. */
const CRONS = ["30 2 * * *", "0,30 2,14 * * *", "15 1-3 * * *", "45 1 * * *", "0 * * * *"];

/** The clock changes; sweeps are lost, two in a row, and others come two at once. */
const changeOfClock = (timeZone: string, from: string): Stretch => ({
  ...{ from, hours: 6, isDoubled: true, isSwept: (nth) => nth % 7 > 1 },
  begin: (world, start) =>
    schedules(
      world,
      start,
      [...CRONS, "*/15 * * * *"].map((cron) => ({ cron, timeZone, withinSeconds: 190 })),
    ),
});

/** What schedules are played through. */
export const STRETCHES: Readonly<Record<string, Stretch>> = {
  "Berlin, spring": changeOfClock("Europe/Berlin", "2026-03-28T22:30Z"),
  "Berlin, autumn": changeOfClock("Europe/Berlin", "2026-10-24T22:30Z"),
  "New York, spring": changeOfClock("America/New_York", "2026-03-08T04:30Z"),
  "New York, autumn": changeOfClock("America/New_York", "2026-11-01T03:30Z"),
  "Lord Howe, autumn": changeOfClock("Australia/Lord_Howe", "2026-04-04T12:30Z"),
  "Lord Howe, spring": changeOfClock("Australia/Lord_Howe", "2026-10-03T12:30Z"),
  "a day without a sweep": {
    ...{ from: "2026-03-28T10:30Z", hours: 27, isSwept: (nth) => nth < 60 || nth > 25 * 60 + 6 },
    begin: (world, start) =>
      schedules(
        world,
        start,
        ["30 2 * * *", "*/15 * * * *"].flatMap((cron) => {
          const source = { cron, timeZone: "Europe/Berlin", withinSeconds: 62 };
          return [
            { ...source, missed: "skip" },
            { ...source, missed: "once", madeUp: 1 },
          ];
        }),
      ),
  },
  "changes of the trigger": { from: "2026-01-05T12:00Z", hours: 3, begin: changes },
  "a change while a tick is decided": { from: "2026-01-05T12:00Z", hours: 3, begin: races },
};

/** Plays a stretch of time, and what is left to be done after it. */
export async function playStretch(stretch: Stretch): Promise<Violation[]> {
  const start = new Date(stretch.from);
  const end = new Date(start.getTime() + stretch.hours * 60 * MINUTE_MS);
  const { isSwept = () => true, isDoubled = false } = stretch;
  const acts: (() => void)[] = [];
  const world: EventsWorld = new EventsWorld({
    ...{ seed: 1, start },
    isSwept: (time) => {
      for (const act of acts) act();
      const isOne = isSwept(Math.floor(time.elapsedMs() / MINUTE_MS));
      if (isOne && isDoubled) world.sweep();
      return isOne;
    },
  });
  const { violations } = await playStory(world, async () => {
    world.isAwaited = true;
    const held = await stretch.begin(world, start, (act) => acts.push(act));
    // A tick of the end has time to fire.
    await world.time.sleep(end.getTime() + 3.5 * MINUTE_MS - world.time.nowMs());
    const wrong = held(end);
    world.isAwaited = false;
    return () => wrong;
  });
  return violations;
}

/** Schedules that nobody changes. */
async function schedules(
  world: EventsWorld,
  start: Date,
  sources: readonly (Source & { withinSeconds: number; madeUp?: number })[],
): Promise<(end: Date) => Held> {
  const stored: { trigger: Trigger; source: Source; withinSeconds: number; madeUp: number }[] = [];
  for (const [nth, { withinSeconds, madeUp = 0, ...source }] of sources.entries()) {
    const trigger = await storedSchedule(world, source, { name: `S${nth}` });
    stored.push({ trigger, source, withinSeconds, madeUp });
  }
  return (end) =>
    stored.map(({ trigger, source, ...of }) => {
      const firings = world.firingsOf(trigger.id).filter(isOf(end));
      const wanted = instantsOf(source, start, end);
      return { eachTickFiresOnce: eachTickFiresOnce(firings, { wanted, ...of }) };
    });
}

const isOf =
  (end: Date) =>
  ({ event }: { event: { time: string | null } }): boolean =>
    Date.parse(event.time ?? "") < end.getTime();

/** Of what is frequent each tick is filtered, which is decided as the others are. */
function storedSchedule(
  world: EventsWorld,
  source: Source,
  { name, ...changes }: Partial<Trigger> & { name: string },
): Promise<Trigger> {
  const { services } = world.open("setup");
  const schedule = { kind: "schedule", ...source } as const;
  const dueAt = nextTick(schedule, services.now());
  const filter = /[*/]/.test(source.cron.slice(0, 4)) ? "false" : null;
  return storedTrigger(services, name, { source: schedule, dueAt, filter, ...changes });
}

const source = (cron: string): Source => ({ cron, ...UTC });

function changer(world: EventsWorld) {
  const { services } = world.open("setup");
  return async ({ id }: Trigger, content: Partial<CreateTrigger>): Promise<void> => {
    await services.triggers.transact(id, (before, now) =>
      reviseTrigger(
        before,
        { content: { ...contentOf(before), ...content }, secrets: null, resumes: false },
        now,
      ),
    );
  };
}

/** A schedule is changed while a tick is decided that both schedules have; then for a while no more. */
async function races(
  world: EventsWorld,
  start: Date,
  onSweep: OnSweep,
): Promise<(end: Date) => Held> {
  const crons = ["*/3 * * * *", "*/2 * * * *"];
  const inForce = [{ cron: crons[0] ?? "", from: start }];
  const trigger = await storedSchedule(world, source(crons[0] ?? ""), { name: "Raced" });
  const change = changer(world);
  onSweep(() => {
    const now = new Date(world.time.nowMs());
    if (now.getUTCMinutes() % 12 !== 0) return;
    const cron = crons[inForce.length % 2] ?? "";
    inForce.push({ cron, from: new Date(Math.ceil(now.getTime() / MINUTE_MS) * MINUTE_MS) });
    const content = { source: { kind: "schedule" as const, ...source(cron) } };
    world.time.after(world.time.between(0, 60), () => void change(trigger, content));
  });
  return (end) => {
    const wanted = inForce.flatMap(({ cron, from }, nth) =>
      instantsOf(source(cron), from, inForce[nth + 1]?.from ?? end),
    );
    const firings = world.firingsOf(trigger.id).filter(isOf(end));
    return [
      {
        eachTickFiresOnce: eachTickFiresOnce(firings, {
          wanted: wanted.filter((tick) => Date.parse(tick) < end.getTime()),
          // What is decided again waits for the next sweep.
          withinSeconds: 150,
        }),
      },
    ];
  };
}

/** Somebody changes triggers all the time, also between what a sweep reads and what it writes. */
async function changes(world: EventsWorld, start: Date): Promise<(end: Date) => Held> {
  const reworded = await storedSchedule(world, source("*/3 * * * *"), { name: "Reworded" });
  const moved = await storedSchedule(world, source("*/2 * * * *"), { name: "Moved" });
  const stopped = await storedSchedule(world, source("*/5 * * * *"), { name: "Stopped" });
  // All its ticks have one key.
  const keyed = await storedSchedule(world, source("* * * * *"), {
    ...{ name: "Keyed", dedupe: '"one"', filter: null },
  });
  const change = changer(world);
  const crons = ["*/3 * * * *", "*/2 * * * *"];
  let nth = 0;
  const again = async (): Promise<void> => {
    if (!world.isAwaited) return;
    nth += 1;
    await change(reworded, { labels: { nth: `${nth}` } });
    await change(moved, { source: { kind: "schedule", ...source(crons[nth % 2] ?? "") } });
    await change(stopped, { enabled: nth % 8 < 6 });
    world.time.after(world.time.between(100, 15_000), () => void again());
  };
  world.time.after(0, () => void again());
  return (end) => {
    const of = (trigger: Trigger) => world.firingsOf(trigger.id).filter(isOf(end));
    const at = (cron: string) => instantsOf(source(cron), start, end);
    const withinSeconds = 90;
    const either = crons.flatMap(at);
    const [current] = world.documents<Trigger>("triggers").filter(({ id }) => id === keyed.id);
    return [
      {
        eachTickFiresOnce: eachTickFiresOnce(of(reworded), {
          wanted: at(crons[0] ?? ""),
          withinSeconds,
        }),
      },
      {
        eachTickFiresOnce: eachTickFiresOnce(of(moved), {
          wanted: at("*/6 * * * *"),
          optional: either,
          withinSeconds,
        }),
      },
      {
        eachTickFiresOnce: eachTickFiresOnce(of(stopped), {
          wanted: [],
          optional: at("*/5 * * * *"),
          withinSeconds,
        }),
      },
      { scheduleGoesOn: current && scheduleGoesOn(current, new Date(world.time.nowMs())) },
    ];
  };
}
