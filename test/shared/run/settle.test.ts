import type { Session } from "../../../shared/documents/session.ts";
import { RETRY_LIMITS } from "../../../shared/limits.ts";
import type { RunEvent, RunRecord } from "../../../shared/run/record.ts";
import { at, changed, makeRunsInEveryPhase, settled } from "../../support/make-run.ts";

const RUNS = makeRunsInEveryPhase();

const OUTPUT = {
  text: "So far.",
  structured: null,
  truncated: false,
  changedFiles: [],
  moreChangedFiles: 0,
};
const RESULT = {
  output: OUTPUT,
  changes: { files: 1, added: 2, removed: 0 },
  artifacts: [],
  isolation: "none" as const,
  conversation: { session: "new" as const, remark: "" },
  usage: { costUsd: 1, inputTokens: 2, outputTokens: 3, turns: 4, incomplete: false },
};
const KEPT: Session = {
  runId: RUNS.running.run.id,
  bucket: "b",
  sessionId: "s",
  engine: { name: "claude-code", version: "2" },
  files: [],
  workspace: null,
  commit: null,
  totalCostUsd: 0,
  totalInputTokens: 0,
  totalOutputTokens: 0,
  instructionsHash: "h",
};

/** The first attempt's build is lost after a checkpoint. */
const lostAt = (seconds: number, session: Session): RunEvent =>
  settled("build_lost", {
    settlement: {
      verdict: { outcome: "build_lost", message: "The build was lost.", deniedTools: [] },
      result: RESULT,
      session,
      checkpoint: { attempt: 1, number: 3, at: at(seconds) },
    },
  });

test("what an attempt had come to stands in the run, and the next one goes on from it", () => {
  const { run, state } = changed(RUNS.running, lostAt(60, KEPT)).record;
  expect(run).toMatchObject({
    status: "pending",
    checkpoint: { attempt: 1, number: 3, at: at(60) },
    output: { text: "So far." },
    usage: { costUsd: 1, turns: 4, incomplete: true },
  });
  expect(run.why).toContain("attempt 2, from what was kept at 03:05:05 UTC");
  expect(state.resume).toEqual(KEPT);
  expect(state.restore).toBeNull();
});

test("what attempts are known to have spent is told to those after them", () => {
  const failed = (attempt: number, spentUsd?: number) => ({
    ...settled("model_overloaded", { attempt }),
    settlement: {
      verdict: { outcome: "model_overloaded" as const, message: "Away.", deniedTools: [] },
      ...(spentUsd !== undefined && { spentUsd }),
    },
  });
  const begun = ({ run, state }: RunRecord) => ({
    run,
    state: { ...state, phase: "running" as const, leaseTaken: true },
  });
  const second = changed(RUNS.running, failed(1, 0.25)).record;
  expect(second.state.spentBefore).toEqual([{ attempt: 1, spentUsd: 0.25 }]);
  const third = changed(begun(second), failed(2)).record;
  expect(third.state).toMatchObject({ attempt: 3, spentBefore: [{ attempt: 1, spentUsd: 0.25 }] });
});

test("an attempt that leaves nothing takes nothing away from the one before it", () => {
  const once = changed(RUNS.running, lostAt(60, KEPT)).record;
  const again = {
    ...once,
    state: { ...once.state, phase: "running" as const, leaseTaken: true },
  };
  const { run, state } = changed(again, settled("build_lost", { attempt: 2 })).record;
  expect(run).toMatchObject({
    attempt: 3,
    output: { text: "So far." },
    checkpoint: { number: 3 },
  });
  expect(run.usage).toMatchObject({ costUsd: 1, turns: 4, incomplete: true });
  expect(state.resume).toEqual(KEPT);
  const last = { ...again, state: { ...again.state, failures: RETRY_LIMITS.maxAttempts } };
  const ended = changed(last, settled("build_lost", { attempt: 2 })).record;
  expect(ended.run).toMatchObject({
    status: "failed",
    checkpoint: { number: 3 },
    output: { text: "So far." },
  });
  expect(ended.run.why).toContain("Kept is what there was at 03:05:05 UTC.");
  expect(ended.state.session).toEqual(KEPT);
});

test("an attempt whose agent never started leaves what the one before it had come to", () => {
  const once = changed(RUNS.running, lostAt(60, KEPT)).record;
  const again = { ...once, state: { ...once.state, phase: "running" as const, leaseTaken: true } };
  const { run, state } = changed(again, {
    ...settled("agent_not_started"),
    attempt: 2,
    settlement: {
      verdict: { outcome: "agent_not_started", message: "No key.", deniedTools: [] },
      result: { ...RESULT, output: { ...OUTPUT, text: "" } },
      session: null,
    },
  } as RunEvent).record;
  expect(run).toMatchObject({
    status: "failed",
    error: { code: "agent_not_started" },
    output: { text: "So far." },
    checkpoint: { number: 3 },
  });
  expect(state.session).toEqual(KEPT);
});

test("an attempt that comes to an end replaces what was kept, and both are used", () => {
  const once = changed(RUNS.running, lostAt(60, KEPT)).record;
  const again = {
    ...once,
    state: { ...once.state, phase: "running" as const, leaseTaken: true },
  };
  const { run } = changed(again, {
    ...settled("succeeded"),
    attempt: 2,
    settlement: {
      verdict: { outcome: "succeeded", message: "Done.", deniedTools: [] },
      result: { ...RESULT, output: { ...OUTPUT, text: "All." } },
      session: KEPT,
    },
  } as RunEvent).record;
  expect(run).toMatchObject({
    status: "succeeded",
    why: "Done.",
    checkpoint: null,
    output: { text: "All." },
    usage: { costUsd: 2, inputTokens: 4, outputTokens: 6, turns: 8, incomplete: true },
  });
});

test("an attempt that did it counts, even if it leaves nothing to go on from", () => {
  const once = changed(RUNS.running, lostAt(60, KEPT)).record;
  const again = { ...once, state: { ...once.state, phase: "running" as const, leaseTaken: true } };
  const { run, state } = changed(again, {
    ...settled("succeeded"),
    attempt: 2,
    settlement: {
      verdict: { outcome: "succeeded", message: "Done.", deniedTools: [] },
      result: { ...RESULT, output: { ...OUTPUT, text: "All." } },
      session: null,
    },
  } as RunEvent).record;
  expect(run).toMatchObject({ status: "succeeded", output: { text: "All." } });
  expect(state.session).toEqual(KEPT);
});

test.each([
  [1, "03:04:45 UTC", 30],
  [90, "03:05:45 UTC", 90],
  [100_000, "09:04:15 UTC", 6 * 3600],
])("a model that wants to be left alone for %i s is", (retryAfterSeconds, until, waits) => {
  const once = { ...RUNS.running, state: { ...RUNS.running.state, failures: 1 } };
  const message = "The model's API is overloaded.";
  const event = settled("model_overloaded", {
    settlement: {
      verdict: { outcome: "model_overloaded", message, deniedTools: [], retryAfterSeconds },
    },
  });
  const { record, effects } = changed(once, event, at(10));
  expect(record.state.notBefore).toEqual(at(10 + waits));
  expect(record.run.why).toBe(`Trying again at ${until} (attempt 2): ${message}`);
  expect(effects).toEqual([{ type: "admit", machineType: "E2_STANDARD_2" }, { type: "tell" }]);
});

test("what was denied is in the run, and the remedy says what would have allowed it", () => {
  const deniedCalls = [
    { tool: "Bash", input: "npm test" },
    { tool: "Bash", input: "npm test" },
    { tool: "Bash", input: "rm *" },
    { tool: "Write", input: "a.txt" },
  ];
  const verdict = {
    outcome: "permission_denied" as const,
    message: "Every tool that the agent asked for was denied: Bash, Write.",
    deniedTools: ["Bash", "Write"],
    deniedCalls,
  };
  const { run } = changed(
    RUNS.running,
    settled("permission_denied", { settlement: { verdict } }),
  ).record;
  expect(run.verdict?.deniedCalls).toEqual(deniedCalls);
  expect(run.error?.remedy).toMatch(
    /Mode\. As it was, this would do: "allowedTools": \["Bash\(npm test\)","Bash","Write"\]\.$/,
  );
});

test("what was changed is forgotten with an attempt that leaves nothing, and kept with one that does", () => {
  expect(changed(RUNS.running, lostAt(60, KEPT)).record.run.changes).toEqual(RESULT.changes);
  expect(changed(RUNS.running, settled("build_lost")).record.run.changes).toBeNull();
});
