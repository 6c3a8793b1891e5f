import { usageLines } from "../../cli/commands/usage.ts";
import type { Usages } from "../../client/types.ts";

const count = (runs: number, costUsd: number, took?: [number, number]): Usages["total"] => ({
  runs,
  costUsd,
  inputTokens: 1_000 * runs,
  outputTokens: 10 * runs,
  phases: took ? [{ name: "run", runs, p50Ms: took[0], p95Ms: took[1] }] : [],
});
const usages = (items: Usages["items"]): Usages => ({
  by: "model",
  from: "2026-11-01",
  to: "2026-12-01",
  items,
  total: count(12, 1.5, [65_000, 3_700_000]),
});

test("usage is a table whose last row is all together", () => {
  const lines = usageLines(
    usages([
      { key: "sonnet", ...count(9, 1.25, [60_000, 120_000]) },
      { key: null, ...count(2, 0.25) },
      { key: null, isRest: true, ...count(1, 0) },
    ]),
    100,
  );
  expect(lines.map((line) => line.split(/ {2,}/))).toEqual([
    ["MODEL", "RUNS", "COST", "TOKENS IN", "OUT", "HALF TOOK", "95 OF 100"],
    ["sonnet", "9", "$1.2500", "9000", "90", "1:00", "2:00"],
    ["none", "2", "$0.2500", "2000", "20", "-", "-"],
    ["the rest", "1", "$0", "1000", "10", "-", "-"],
    ["all", "12", "$1.5000", "12000", "120", "1:05", "1:01:40"],
  ]);
});

test("a label that would steer the terminal does not, and nothing is no table", () => {
  const [, row = ""] = usageLines(usages([{ key: "a:\u001b[2Jb", ...count(1, 0) }]), 40);
  expect(row).not.toContain("\u001b");
  expect(row.length).toBeLessThanOrEqual(40);
  expect(usageLines(usages([]), 100)).toEqual([]);
});
