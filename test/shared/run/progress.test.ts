import { TIMING } from "../../../shared/limits.ts";
import { reportAfter } from "../../../shared/run/progress.ts";
import type { RunEvent } from "../../../shared/run/record.ts";
import { next } from "../../../shared/run/run.ts";
import {
  after,
  at,
  BUILD,
  changed,
  deferred,
  lease,
  makeRun,
  makeRunsInEveryPhase,
} from "../../support/make-run.ts";

const RUNS = makeRunsInEveryPhase();
const PROGRESS: RunEvent = {
  type: "progress",
  attempt: 1,
  build: BUILD,
  text: "Write a",
  turn: 1,
  events: [],
};

describe("progress", () => {
  test("shows in the run and brings a queued run to running", () => {
    const { run, state } = changed(RUNS.queued, PROGRESS).record;
    expect(run).toMatchObject({
      status: "running",
      progress: { text: "Write a", turn: 1, at: at(10) },
    });
    expect(state.build).toEqual(BUILD);
  });

  test("that comes too soon after the last is dropped", () => {
    const shown = changed(RUNS.running, PROGRESS, at(10)).record;
    expect(next(shown, PROGRESS, at(10.5)).changed).toBe(false);
    expect(next(shown, PROGRESS, at(12)).changed).toBe(true);
  });

  test("is wanted every two seconds in a run's first minute and while it is followed, else seldom", () => {
    const { run, state } = RUNS.running;
    const started = run.history.find(({ status }) => status === "running")?.at as Date;
    const late = (seconds: number) => new Date(started.getTime() + seconds * 1000);
    expect(reportAfter({ run, state }, late(59))).toBe(2);
    expect(reportAfter({ run, state }, late(60))).toBe(15);
    const followed = { run, state: { ...state, followedUntil: late(90) } };
    expect(reportAfter(followed, late(89))).toBe(2);
    expect(reportAfter(followed, late(90))).toBe(15);
  });

  test("does not move the due time, unless it is the last of its build", () => {
    const shown = changed(RUNS.running, PROGRESS).record;
    expect(shown.state.dueAt).toEqual(RUNS.running.state.dueAt);
    const last = changed(RUNS.running, { ...PROGRESS, isLast: true }).record;
    expect(last.state.dueAt).toEqual(at(10 + TIMING.finished));
  });
});

test("history keeps the first and the last nineteen entries", () => {
  let record = makeRun();
  for (let i = 0; i < 30; i += 1) {
    record = after(record, lease, deferred, {
      type: "admit",
      attempt: 1,
      slot: "t.E2_STANDARD_2.0",
    });
  }
  expect(record.run.history).toHaveLength(20);
  expect(record.run.history[0]).toMatchObject({ version: 1, cause: "accepted" });
  expect(record.run.history.at(-1)?.version).toBe(90);
});
