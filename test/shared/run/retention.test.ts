import {
  customTimeOf,
  keptDays,
  type RetentionTable,
  retentionOf,
} from "../../../shared/run/retention.ts";

const tableOf = (table: Record<string, Record<string, number | null>>): RetentionTable =>
  new Map(Object.entries(table));

test("an owner has what its row says, and for the rest what that of all says", () => {
  const table = tableOf({
    "*": { promptDays: 90, outputDays: 30 },
    ann: { promptDays: 7 },
    bob: { promptDays: null, outputDays: null },
  });
  expect(retentionOf(table, "eve")).toEqual({ promptDays: 90, outputDays: 30 });
  expect(retentionOf(table, "ann")).toEqual({ promptDays: 7, outputDays: 30 });
  expect(retentionOf(table, "bob")).toBeUndefined();
  expect(retentionOf(tableOf({}), "ann")).toBeUndefined();
});

test("nothing of a run stays longer than its documents", () => {
  const table = tableOf({ "*": { runDays: 10, promptDays: 3, outputDays: 50 } });
  const days = { promptDays: 3, outputDays: 10, sessionDays: 10, eventDays: 10, runDays: 10 };
  expect(retentionOf(table, "ann")).toEqual(days);
  const long = retentionOf(tableOf({ "*": { runDays: 100 } }), "ann");
  expect(long).toEqual({ promptDays: 100, outputDays: 100, sessionDays: 100, runDays: 100 });
});

test.each([
  ["attempts/run_1/1-n/manifest.json", 2],
  ["attempts/run_1/1-n/outputs/result.json", 2],
  ["attempts/run_1/1-n/outputs/patch.diff", 2],
  ["attempts/run_1/1-n/checkpoints/000001.json", 2],
  ["attempts/run_1/1-n/outputs/workspace.diff", 3],
  ["attempts/run_1/1-n/outputs/session/1.jsonl", 3],
  ["attempts/run_1/1-n/checkpoints/4/session/a/claim", 3],
  ["attempts/run_1/1-n/claim", 9],
  ["attempts/run_1/1-n/cancel", 9],
  ["attempts/run_1/spending/1-settled.json", 9],
])("%s is kept for %d days", (object, days) => {
  expect(keptDays(object, { outputDays: 2, sessionDays: 3, runDays: 9 })).toBe(days);
});

test("the bucket deletes a day after the custom time", () => {
  expect(customTimeOf(new Date("2026-01-01T12:00:00Z"), 7)).toBe("2026-01-07T12:00:00.000Z");
  expect(customTimeOf(new Date("2026-01-01T12:00:00Z"), undefined)).toBeUndefined();
});
