import { nextCommands, resultLines } from "../../cli/result.ts";
import type { Run } from "../../client/types.ts";
import { makeRun } from "../support/make-run.ts";

const ID = `run_${"0".repeat(22)}`;

function run(more: object): Run {
  const document = JSON.parse(JSON.stringify(makeRun({ id: ID }).run)) as Run;
  return { ...document, done: true, ...more } as Run;
}

const output = (files: object[], more: object = {}) => ({
  text: "Done",
  structured: null,
  truncated: false,
  changedFiles: files,
  moreChangedFiles: 0,
  ...more,
});
const file = { path: "a.txt", status: "added", added: 3, removed: 1 };

test.each<[string, object, string[]]>([
  [
    "succeeded with changes",
    { status: "succeeded", output: output([file]) },
    ["diff", "apply", "say"],
  ],
  ["succeeded without", { status: "succeeded", output: output([]) }, ["say"]],
  [
    "timed out with changes",
    { status: "timed_out", output: output([file]) },
    ["diff", "apply", "continue"],
  ],
  ["was cancelled", { status: "cancelled" }, ["continue"]],
  ["spent its budget", { status: "failed", error: { kind: "limit" } }, ["continue"]],
  ["failed", { status: "failed", error: { kind: "agent", retryable: false } }, ["logs"]],
  [
    "failed by chance",
    { status: "failed", error: { kind: "model", retryable: true } },
    ["logs", "rerun"],
  ],
])("a run that %s is followed by what one would type", (_name, more, expected) => {
  const commands = nextCommands(run(more), { state: "elsewhere" });
  expect(commands.map((command) => command.split(" ")[2])).toEqual(expected);
  for (const command of commands) expect(command).toMatch(/ --state elsewhere$/);
});

test("what a run came to names its files, what is missing of them and its cost, and no address of a bucket", () => {
  const lines = resultLines(
    run({
      status: "succeeded",
      verdict: {
        outcome: "succeeded_with_denials",
        deniedTools: ["Bash"],
        checks: [
          { name: "unit", state: "passed", exitCode: 0, ms: 1500 },
          { name: "lint", state: "failed", exitCode: 2, ms: 90 },
          { name: "e2e", state: "not_run", exitCode: null, ms: null },
        ],
        rounds: 2,
      },
      output: output(
        [file, { path: "b\u001b[2J.bin", status: "added", added: null, removed: null }],
        {
          moreChangedFiles: 2,
          omitted: { files: [{ path: "big", why: "too_large" }], moreFiles: 1, ignoredFiles: 3 },
        },
      ),
      usage: { costUsd: 0.5, inputTokens: 10, outputTokens: 2, turns: 1, incomplete: true },
      isolation: "bubblewrap",
      artifacts: [{ name: "patch.diff", uri: "gs://bucket/x" }],
    }),
    {},
  );
  expect(lines.slice(0, 6)).toEqual([
    "  Changed   a.txt (+3 -1), b\u001b[2J.bin (binary), and 2 more",
    "  Not kept  big (too large), and 1 more; 3 that git ignores",
    "  Checks    unit passed (1.5 s), lint failed (exit code 2, 0.1 s), e2e not run; the agent had 2 rounds",
    "  Denied    Bash",
    "  Usage     at least 1 turn, $0.5000, 10 tokens in, 2 out",
    "  Sandbox   bubblewrap",
  ]);
  expect(lines.join("\n")).not.toContain("gs://");
});
