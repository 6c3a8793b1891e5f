import type { Run, RunRequest } from "../../../client/types.ts";
import { changeOf } from "../../../page/run/remedy-change.ts";
import { overRun } from "../../support/page-run.ts";

const asked = (settings: RunRequest["settings"]): RunRequest => ({
  runId: "run",
  prompt: "Do it",
  agent: null,
  settings,
  labels: {},
});

const failed = (outcome: string, error: Partial<NonNullable<Run["error"]>>): Run =>
  overRun({
    status: "failed",
    verdict: { outcome, deniedTools: [] },
    error: { code: outcome, kind: "agent", message: "", remedy: "", retryable: false, ...error },
  });

test("rules that a remedy proposes are added to those that there are", () => {
  const remedy = 'Allow them. As it was, this would do: "allowedTools": ["Bash(ls)","Read"].';
  const run = failed("permission_denied", { remedy });
  expect(changeOf(run, asked({ allowedTools: ["Read"] }))).toEqual({
    setting: "settings.allowedTools",
    before: '["Read"]',
    after: '["Read","Bash(ls)"]',
    isContinued: false,
  });
  expect(changeOf(run, asked({}))?.before).toBe("none");
});

test("what goes on after a limit has twice of it", () => {
  const run = failed("budget_exhausted", { kind: "limit" });
  expect(changeOf(run, asked({ maxBudgetUsd: 5 }))).toEqual({
    setting: "settings.maxBudgetUsd",
    before: "5",
    after: "10",
    isContinued: true,
  });
});

test("a remedy that names no value changes nothing", () => {
  expect(
    changeOf(failed("setup_failed", { remedy: 'Mend "allowedTools": [.' }), asked({})),
  ).toBeNull();
});
