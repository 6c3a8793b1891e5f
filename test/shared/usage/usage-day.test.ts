import type { PhaseTime } from "../../../shared/documents/event.ts";
import type { Run } from "../../../shared/documents/run.ts";
import { type Histogram, joined, quantile, withValue } from "../../../shared/usage/histogram.ts";
import {
  emptyDay,
  joinedDays,
  NONE,
  OTHER,
  type UsageDay,
  withoutLabels,
  withRun,
} from "../../../shared/usage/usage-day.ts";
import { at, makeRun } from "../../support/make-run.ts";

const BASE = makeRun().run;
const ended = (overrides: Partial<Run> = {}): Run => ({
  ...BASE,
  status: "succeeded",
  done: true,
  finishedAt: at(60),
  ...overrides,
});
const used = (costUsd: number): Run["usage"] => ({
  costUsd,
  inputTokens: 100,
  outputTokens: 10,
  turns: 1,
  incomplete: false,
});

/** Numbers that look random, the same ones each time. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    yield state / 2 ** 31;
  }
}

test("runs in any parts come to what a count by hand says", () => {
  const random = numbers(7);
  const next = (): number => random.next().value;
  const parts: UsageDay[] = Array.from({ length: 8 }, emptyDay);
  const runs: { run: Run; model: string | null }[] = [];
  for (let i = 0; i < 1_000; i += 1) {
    const team = Math.floor(next() * 5);
    const run = ended({
      status: next() < 0.2 ? "failed" : "succeeded",
      agent: next() < 0.5 ? null : { id: `agent_${team}`, version: 1 },
      labels: { team: `${team}` },
      labelPairs: [`team:${team}`, "all:yes"],
      usage: next() < 0.1 ? null : used(Math.round(next() * 1e6) / 1e6),
      phases: [{ name: "agent", ms: 1 + Math.floor(next() * 100_000) }],
    });
    const model = next() < 0.3 ? null : "sonnet";
    runs.push({ run, model });
    const part = Math.floor(next() * parts.length);
    parts[part] = withRun(parts[part] as UsageDay, run, model);
  }
  const all = joinedDays(parts);
  const tally = (fits: (entry: { run: Run; model: string | null }) => boolean) => {
    const fitting = runs.filter(fits);
    const cost = fitting.reduce(
      (sum, { run }) => sum + Math.round((run.usage?.costUsd ?? 0) * 1e6),
      0,
    );
    const inputTokens = fitting.reduce((sum, { run }) => sum + (run.usage?.inputTokens ?? 0), 0);
    return { runs: fitting.length, costMicros: cost, inputTokens };
  };
  expect(all.total).toMatchObject(tally(() => true));
  expect(all.by.status["failed"]).toMatchObject(tally(({ run }) => run.status === "failed"));
  expect(all.by.agent[NONE]).toMatchObject(tally(({ run }) => run.agent === null));
  expect(all.by.agent["agent_3"]).toMatchObject(tally(({ run }) => run.agent?.id === "agent_3"));
  expect(all.by.model["sonnet"]).toMatchObject(tally(({ model }) => model === "sonnet"));
  expect(all.by.label["team:2"]).toMatchObject(tally(({ run }) => run.labels["team"] === "2"));
  expect(all.by.label["all:yes"]?.runs).toBe(1_000);
  const agentMs = all.total.phases["agent"] ?? {};
  expect(Object.values(agentMs).reduce((sum, count) => sum + count, 0)).toBe(1_000);
});

test("a part has a hundred keys of a kind, and the rest together", () => {
  let day = emptyDay();
  for (let i = 0; i < 150; i += 1) {
    day = withRun(day, ended({ labelPairs: [`n:${i}`], usage: used(1) }), null);
  }
  day = withRun(day, ended({ labelPairs: ["n:0", "n:149"], usage: used(1) }), null);
  expect(Object.keys(day.by.label)).toHaveLength(101);
  expect(day.by.label["n:0"]?.runs).toBe(2);
  expect(day.by.label[OTHER]).toMatchObject({ runs: 51, costMicros: 51_000_000 });
  expect(day.total.runs).toBe(151);
});

test("the whole run is a phase, and a phase that comes twice counts twice", () => {
  const phases: PhaseTime[] = [
    { name: "queue", ms: 1_000 },
    { name: "queue", ms: 4_000 },
  ];
  const { total } = withRun(emptyDay(), ended({ phases }), null);
  const count = (histogram: Histogram = {}) =>
    Object.values(histogram).reduce((sum, one) => sum + one, 0);
  expect(count(total.phases["queue"])).toBe(2);
  expect(count(total.phases["run"])).toBe(1);
  expect(quantile(total.phases["run"] ?? {}, 0.5)).toBeGreaterThan(60_000 * 0.8);
});

describe("a quantile", () => {
  test("is within a fifth of the real one, over nine orders of magnitude", () => {
    for (const scale of [1, 100, 10_000, 1_000_000, 80_000_000]) {
      const random = numbers(scale);
      const values = Array.from({ length: 500 }, () => Math.ceil(random.next().value * scale) || 1);
      const histogram = values.reduce<Histogram>((all, value) => withValue(all, value), {});
      values.sort((a, b) => a - b);
      for (const share of [0.5, 0.95]) {
        const real = values[Math.ceil(share * values.length) - 1] ?? 0;
        const told = quantile(histogram, share) ?? 0;
        expect(Math.abs(told - real)).toBeLessThanOrEqual(Math.max(1, real * 0.2));
      }
    }
  });

  test("of nothing there is none, and of 0 it is the least that is told", () => {
    expect(quantile({}, 0.5)).toBeNull();
    expect(quantile(joined(withValue({}, 0), {}), 0.5)).toBe(1);
  });
});

test("of a run that is erased the numbers stay, and its labels only where others have them", () => {
  const labels = ["team:blue", "case:9"];
  const gone = ended({ labelPairs: labels, usage: used(2) });
  const other = ended({ labelPairs: ["team:blue"], usage: used(3) });
  const before = [gone, other].reduce((day, run) => withRun(day, run, null), emptyDay());
  const after = withoutLabels(before, gone);
  expect(Object.keys(after.by.label)).toEqual(["team:blue", OTHER]);
  expect(after.total).toEqual(before.total);
  const { phases, costs, ...alone } = withRun(emptyDay(), other, null).total;
  expect(after.by.label["team:blue"]).toMatchObject(alone);
  expect(quantile(after.by.label["team:blue"]?.costs ?? {}, 0.5)).toBe(quantile(costs ?? {}, 0.5));
  const wholes = [after.by.label["team:blue"]?.phases, phases].map((one) => one?.["run"] ?? {});
  expect(quantile(wholes[0] ?? {}, 0.5)).toBe(quantile(wholes[1] ?? {}, 0.5));
  expect(withoutLabels(after, ended())).toEqual(after);
});
