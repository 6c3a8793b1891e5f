import { TIMING } from "../../../shared/limits.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import { next } from "../../../shared/run/run.ts";
import { untold } from "../../../shared/run/telling.ts";
import { at, changed, claimed, makeRunsInEveryPhase } from "../../support/make-run.ts";

const RUNS = makeRunsInEveryPhase();
const told = (version: number) => ({ type: "told", version }) as const;

describe("what run-events is told", () => {
  const versions = (record: RunRecord) => untold(record).map(({ version }) => version);

  test("is each change of status, not each step", () => {
    // Accepted, being submitted, queued, running, succeeded.
    expect(versions(RUNS.succeeded)).toEqual([1, 3, 4, 5]);
  });

  test("is due a minute after the change, and no more when all of it is told", () => {
    const { record, effects } = changed(RUNS.queued, claimed);
    expect(effects).toContainEqual({ type: "tell" });
    expect(record.state).toMatchObject({ told: 0, tellAt: at(10 + TIMING.tell) });
    const some = changed(record, told(3)).record;
    expect(some.state).toMatchObject({ told: 3, tellAt: at(10 + TIMING.tell) });
    const all = changed(some, told(4)).record;
    expect(all.state).toMatchObject({ told: 4, tellAt: null, dueAt: record.state.dueAt });
    expect(all.run).toBe(some.run);
    expect(next(all, told(3), at(10)).changed).toBe(false);
  });

  test("is tried ever more seldom, also of a run that is over", () => {
    const { state } = changed(RUNS.succeeded, { type: "visitFailed" }).record;
    expect(state).toMatchObject({ dueAt: null, tellAt: at(10 + TIMING.sweepInterval) });
  });
});
