import {
  boundOf,
  partsFrom,
  partsOf,
  type TriggerCount,
  withRun,
  withSpent,
  wordsOf,
} from "../../../shared/triggers/counts.ts";
import { afterFailure, afterSuccess, sayingOf } from "../../../shared/triggers/failures.ts";
import {
  defaultKey,
  firedRunId,
  firingIdOf,
  keyedConversationId,
} from "../../../shared/triggers/ids.ts";
import { aheadOf, hindranceOf } from "../../../shared/triggers/lane.ts";
import type { TriggerLimits } from "../../../shared/triggers/trigger.ts";

const NOON = new Date("2026-06-01T12:30:00Z");
const ONE = new Date("2026-06-01T13:00:00Z");

/** How many of `events` start a run, each beginning at the part that its number says. */
function startedOf(limits: TriggerLimits, events: number, { now = NOON, usd = 1 } = {}) {
  const counts = new Map<number, TriggerCount>();
  let started = 0;
  for (let event = 0; event < events; event += 1) {
    for (const part of partsFrom(event * 7, limits)) {
      const asked = { limits, part, now, budgetMicros: usd * 1_000_000 };
      if (boundOf(counts.get(part), asked) !== undefined) continue;
      counts.set(part, withRun(counts.get(part), { owner: "ann", triggerId: "trg_1" }, asked));
      started += 1;
      break;
    }
  }
  return { started, counts };
}

describe("limits", () => {
  test.each([
    [{ runsPerHour: 1, runsPerDay: 100_000 }, 1, 1],
    [{ runsPerHour: 7, runsPerDay: 100_000 }, 1, 7],
    [{ runsPerHour: 250, runsPerDay: 100_000 }, 3, 250],
    [{ runsPerHour: 1001, runsPerDay: 100_000 }, 8, 1001],
    [{ runsPerHour: 10_000, runsPerDay: 1003 }, 8, 1003],
    [{ runsPerHour: 10_000, runsPerDay: 3 }, 8, 3],
    [{ runsPerHour: 1000, runsPerDay: 1000, usdPerDay: 12.5 }, 1, 12],
  ])("%j are divided over %i parts and are exact: %i", (limits, parts, runs) => {
    expect(partsOf(limits)).toBe(parts);
    expect(startedOf(limits, 2000).started).toBe(runs);
  });

  test("of an hour begin anew with the next, those of a day do not", () => {
    const limits = { runsPerHour: 2, runsPerDay: 3 };
    const count = startedOf(limits, 5).counts.get(0);
    const asked = { limits, part: 0, budgetMicros: 0 };
    expect(boundOf(count, { ...asked, now: NOON })).toBe("hour");
    expect(boundOf(count, { ...asked, now: ONE })).toBeUndefined();
    const third = withRun(count, { owner: "ann", triggerId: "t" }, { ...asked, now: ONE });
    expect(boundOf(third, { ...asked, now: ONE })).toBe("day");
    expect(third).toMatchObject({ hours: { 12: 2, 13: 1 }, runs: 3, day: "2026-06-01" });
  });

  test("of money give back what a run did not spend", () => {
    const limits = { runsPerHour: 10, runsPerDay: 10, usdPerDay: 2 };
    const count = startedOf(limits, 5).counts.get(0) as TriggerCount;
    expect(count).toMatchObject({ runs: 2, reservedMicros: 2_000_000 });
    const asked = { limits, part: 0, now: NOON, budgetMicros: 1_000_000 };
    expect(boundOf(count, asked)).toBe("usd");
    const settled = withSpent(count, { reservedMicros: 1_000_000, spentMicros: 1 });
    expect(boundOf(settled, asked)).toBe("usd");
    const free = withSpent(count, { reservedMicros: 1_000_000, spentMicros: 0 });
    expect(boundOf(free, asked)).toBeUndefined();
  });

  test("say which of them is reached", () => {
    const limits = { runsPerHour: 3, runsPerDay: 5, usdPerDay: 2 };
    expect(wordsOf(["hour", "day"], limits)).toContain("3 runs an hour");
    expect(wordsOf(["day"], limits)).toContain("5 runs a day");
    expect(wordsOf(["usd"], limits)).toContain("2 USD");
  });
});

describe("ids", () => {
  test("are the same for the same trigger and key, and others for others", () => {
    const names = [{ key: "a" }, { redelivery: "a" }, { event: { source: "a", id: "" } }];
    const ids = ["trg_1", "trg_2"].flatMap((trigger) =>
      names.flatMap((name) => [firingIdOf(trigger, name), firedRunId(trigger, name)]),
    );
    expect(new Set(ids).size).toBe(12);
    expect(firedRunId("trg_1", { key: "a" })).toBe(firedRunId("trg_1", { key: "a" }));
    expect(ids[0]).toMatch(/^fir_\w{22}$/);
    expect(ids[1]).toMatch(/^run_\w{22}$/);
    expect(keyedConversationId("trg_1", "a")).toMatch(/^conv_\w{22}$/);
  });

  test("parts of a default key do not run into each other", () => {
    expect(defaultKey({ source: 'a","b', id: "c" })).not.toBe(
      defaultKey({ source: "a", id: 'b","c' }),
    );
  });
});

describe("a trigger that fails", () => {
  const trigger = { revision: 3, pausedWhy: null };
  const failing = { kind: "failure", why: "it broke", now: NOON } as const;

  test("is paused by ten failures in a row", () => {
    const nine = { ...trigger, failures: { revision: 3, inRow: 8 } };
    expect(afterFailure(nine, failing)).toEqual({ failures: { revision: 3, inRow: 9 } });
    const ten = { ...trigger, failures: { revision: 3, inRow: 9 } };
    expect(afterFailure(ten, failing)).toEqual({
      failures: { revision: 3, inRow: 10 },
      pausedWhy: expect.stringContaining("it broke"),
      route: null,
      dueAt: NOON,
    });
  });

  test("is paused by three expressions in a row that are over their time", () => {
    const slow = { ...failing, kind: "overTime" } as const;
    const once = { ...trigger, ...afterFailure(trigger, slow) };
    const twice = { ...once, ...afterFailure(once, slow) };
    expect(twice.pausedWhy).toBeNull();
    expect(afterFailure(twice, slow).pausedWhy).not.toBeNull();
  });

  test("begins anew with a run that succeeds, and with a caller's change", () => {
    const nine = { ...trigger, failures: { revision: 3, inRow: 9 } };
    expect(afterSuccess(nine)).toEqual({ failures: { revision: 3, inRow: 0 } });
    expect(afterSuccess(trigger)).toEqual({});
    const changed = { ...nine, revision: 4 };
    expect(afterFailure(changed, failing)).toEqual({ failures: { revision: 4, inRow: 1 } });
  });

  test("once it is paused nothing more is counted", () => {
    expect(afterFailure({ ...trigger, pausedWhy: "so" }, failing)).toEqual({});
  });

  test.each([
    ["succeeded", "success"],
    ["failed", "failure"],
    ["timed_out", "failure"],
    ["expired", "failure"],
    ["cancelled", undefined],
  ] as const)("a run that %s: %s", (status, saying) => {
    expect(sayingOf(status)).toBe(saying);
  });
});

describe("where a run of the trigger is at work", () => {
  const turns = { activeRun: "run_1", queue: ["run_2"] };

  test.each([
    ["allow", turns, undefined],
    ["queue", turns, undefined],
    ["cancel", turns, undefined],
    ["skip", turns, "overlap is skip"],
    ["skip", { activeRun: null, queue: [] }, undefined],
    ["queue", { activeRun: "run_1", queue: Array(100).fill("run_2") }, "100 runs wait"],
  ] as const)("overlap %s", (overlap, found, why) => {
    const said = hindranceOf({ overlap }, { ...found, queue: [...found.queue] });
    if (why === undefined) expect(said).toBeUndefined();
    else expect(said).toContain(why);
  });

  test("who waits stands behind it and those before", () => {
    const waiting = { activeRun: "run_1", queue: ["run_2", "run_3", "run_4"] };
    expect(aheadOf(waiting, "run_3")).toEqual(["run_1", "run_2"]);
    expect(aheadOf(waiting, "run_1")).toEqual([]);
    expect(aheadOf({ activeRun: null, queue: [] }, "run_1")).toEqual([]);
  });
});
