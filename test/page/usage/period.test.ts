import { byDay, headOf, periodOf, tilesOf } from "../../../page/usage/period.ts";
import type { Usages } from "../../../shared/api/usage.ts";

const NOW = Date.UTC(2026, 10, 30, 12);

function counts(runs: number, costUsd = 0): Usages["total"] {
  const queue = { name: "queue", runs, p50Ms: 28_000, p95Ms: 124_000 } as const;
  return { runs, costUsd, inputTokens: 9400, outputTokens: 600, phases: runs > 0 ? [queue] : [] };
}

/** Usage by status. */
function usages(statuses: Record<string, number>, costUsd = 0): Usages {
  const items = Object.entries(statuses).map(([key, runs]) => ({ key, ...counts(runs) }));
  const runs = items.reduce((sum, item) => sum + item.runs, 0);
  return { by: "status", from: "", to: "", items, total: counts(runs, costUsd) };
}

test("a period ends today, and what it is compared with is as long", () => {
  const period = periodOf("7", NOW);
  expect(period).toMatchObject({ days: 7, from: "2026-11-24", beforeFrom: "2026-11-17" });
  expect(period.list.at(-1)).toBe("2026-11-30");
  expect(periodOf("1", NOW).list).toEqual(["2026-11-30"]);
  expect(periodOf("12", NOW).days).toBe(30);
});

test("a day without runs is there, with nothing", () => {
  const day = { key: "2026-11-29", ...counts(2) };
  expect(byDay(["2026-11-28", "2026-11-29"], [day])).toEqual([undefined, day]);
});

test.each([
  ["30", { succeeded: 860, failed: 71, expired: 21, cancelled: 32 }, 474.18],
  ["1", { succeeded: 1 }, 0.4],
  ["7", { succeeded: 999, failed: 1 }, 12],
  ["7", {}, 0],
])("the head says what %s days came to", (days, statuses, costUsd) => {
  expect(headOf(periodOf(days, NOW), usages(statuses, costUsd))).toBe(
    {
      474.18: "$474 in 30 days for 984 runs; 9 in 100 failed",
      0.4: "$0.40 today for 1 run; none failed",
      12: "$12.00 in 7 days for 1,000 runs; under 1 in 100 failed",
      0: "No run ended in 7 days",
    }[costUsd],
  );
});

test("each tile says what it was before, where something was", () => {
  const period = periodOf("30", NOW);
  const now = usages({ succeeded: 3, failed: 1 }, 2);
  expect(
    tilesOf(period, now, usages({ succeeded: 1, failed: 1 }, 1)).map(({ more }) => more),
  ).toEqual([
    "$0.50 a run; 100 % more than the 30 days before",
    "3 of 4; 50.0 % before",
    "half wait less than 28 s",
    "9.4 k in, 600 out",
  ]);
  expect(
    tilesOf(period, now, usages({}))
      .map(({ more }) => more)
      .slice(0, 2),
  ).toEqual(["$0.50 a run", "3 of 4"]);
});
