import {
  dueTick,
  missedWords,
  nextTick,
  type ScheduleSource,
  scheduleFault,
} from "../../../shared/triggers/schedule.ts";

const schedule = (cron: string, more: Partial<ScheduleSource> = {}): ScheduleSource => ({
  kind: "schedule",
  cron,
  ...more,
});

/** Every tick of a stretch of time, each as the sweep would find it. */
function ticksOf(source: ScheduleSource, from: string, to: string): string[] {
  const ticks: string[] = [];
  let dueAt = nextTick(source, new Date(from));
  while (dueAt !== null && dueAt < new Date(to)) {
    const { tick, next } = dueTick(source, dueAt, dueAt);
    if (tick !== null) ticks.push(tick.toISOString().slice(0, 16));
    dueAt = next;
  }
  return ticks;
}

describe("where the clock changes", () => {
  const timeZone = "Europe/Berlin";

  test("a time that is left out fires at the first instant after it", () => {
    const source = schedule("30 2 * * *", { timeZone });
    expect(ticksOf(source, "2026-03-28T00:00Z", "2026-03-31T00:00Z")).toEqual([
      "2026-03-28T01:30",
      "2026-03-29T01:00",
      "2026-03-30T00:30",
    ]);
  });

  test("a time that comes twice fires once", () => {
    const source = schedule("30 2 * * *", { timeZone });
    expect(ticksOf(source, "2026-10-24T00:00Z", "2026-10-27T00:00Z")).toEqual([
      "2026-10-24T00:30",
      "2026-10-25T00:30",
      "2026-10-26T01:30",
    ]);
  });

  test("so it is with each of several times of a day", () => {
    const source = schedule("0,30 2,14 * * *", { timeZone });
    const left = ticksOf(source, "2026-03-28T22:00Z", "2026-03-29T12:00Z");
    expect(left).toEqual(["2026-03-29T01:00"]);
    const twice = ticksOf(source, "2026-10-24T22:00Z", "2026-10-25T12:00Z");
    expect(twice).toEqual(["2026-10-25T00:00", "2026-10-25T00:30"]);
  });

  test("what comes every half hour goes on through both", () => {
    const source = schedule("*/30 * * * *", { timeZone });
    expect(ticksOf(source, "2026-03-29T00:00Z", "2026-03-29T02:01Z")).toEqual([
      "2026-03-29T00:30",
      "2026-03-29T01:00",
      "2026-03-29T01:30",
      "2026-03-29T02:00",
    ]);
    expect(ticksOf(source, "2026-10-25T00:00Z", "2026-10-25T02:01Z")).toHaveLength(4);
  });
});

test("every day of a year has one tick, in zones that change at other times and by other amounts", () => {
  for (const timeZone of ["America/St_Johns", "Australia/Lord_Howe", "Africa/Cairo", "UTC"]) {
    for (const cron of ["0 0 * * *", "45 1 * * *", "15 2 * * *"]) {
      const found = ticksOf(schedule(cron, { timeZone }), "2026-01-01T12:00Z", "2026-12-31T12:00Z");
      expect({ timeZone, cron, ticks: found.length }).toEqual({ timeZone, cron, ticks: 364 });
    }
  }
});

describe("a tick that nobody fired", () => {
  const at = (time: string) => new Date(`2026-06-01T${time}Z`);
  const hourly = (more: Partial<ScheduleSource>) => schedule("0 * * * *", more);

  test("is fired up to five minutes later", () => {
    const found = dueTick(hourly({}), at("10:00"), at("10:05"));
    expect(found).toEqual({ tick: at("10:00"), next: at("11:00") });
  });

  test("is passed over after that", () => {
    const found = dueTick(hourly({ missed: "skip" }), at("10:00"), at("13:10"));
    expect(found).toEqual({ tick: null, next: at("14:00") });
  });

  test("but not the latest, which is not missed yet", () => {
    const found = dueTick(hourly({}), at("10:00"), at("13:02"));
    expect(found).toEqual({ tick: null, next: at("13:00") });
  });

  test("is made up for once, by the latest, if that is said; those before it are passed over", () => {
    const once = hourly({ missed: "once" });
    const passed = dueTick(once, at("10:00"), at("13:10"));
    expect(passed).toEqual({ tick: null, next: at("13:00") });
    expect(dueTick(once, at("13:00"), at("13:10"))).toEqual({
      tick: at("13:00"),
      next: at("14:00"),
    });
    const words = "The ticks from 2026-06-01T10:00:00.000Z to 2026-06-01T12:00:00.000Z were missed";
    expect(missedWords(once, { dueAt: at("10:00"), next: at("13:00"), now: at("13:10") })).toBe(
      `${words}: nobody could fire within 5 minutes.`,
    );
  });

  test("the latest may be the only one", () => {
    const found = dueTick(hourly({ missed: "once" }), at("10:00"), at("10:30"));
    expect(found).toEqual({ tick: at("10:00"), next: at("11:00") });
  });

  test("and one of this very instant is the latest", () => {
    const found = dueTick(hourly({ missed: "once" }), at("10:00"), at("13:00"));
    expect(found).toEqual({ tick: null, next: at("13:00") });
  });

  test("or the last that there will ever be", () => {
    const words = missedWords(hourly({}), { dueAt: at("10:00"), next: null, now: at("10:30") });
    expect(words).toMatch(/^The tick of 2026-06-01T10:00:00.000Z was missed/);
  });
});

test.each([
  ["0 3 * * 1-5", "Europe/Berlin", undefined],
  ["* * * * * *", undefined, "is no schedule"],
  ["61 * * * *", undefined, "is no schedule"],
  ["0 0 30 2 *", undefined, "never fires again"],
  ["0 3 * * *", "Europe/Nowhere", "is no schedule"],
])("%j in %s: %s", (cron, timeZone, fault) => {
  const said = scheduleFault(schedule(cron, { ...(timeZone && { timeZone }) }));
  if (fault === undefined) expect(said).toBeUndefined();
  else expect(said).toContain(fault);
});
