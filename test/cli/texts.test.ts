import { shownLines } from "../../cli/commands/runs.ts";
import { transcriptText } from "../../cli/commands/texts.ts";
import type { Run, RunEvent } from "../../client/types.ts";
import { makeRun } from "../support/make-run.ts";

const textOf = (event: object) => transcriptText({ event } as RunEvent);

test.each([
  [{ type: "text", text: "a\nb\n" }, "\na\nb\n"],
  [{ type: "tool", tool: "Bash", input: "a\nb" }, "  Bash  a\n    b"],
  [{ type: "denied", tool: "Wr\nite" }, "  denied: Wr\u{fffd}ite"],
  [{ type: "denied", tool: "Write", input: "/etc/passwd" }, "  denied: Write  /etc/passwd"],
  [
    { type: "tool_result", callId: "1", isError: false, ms: 12, preview: "1\n2\n3\n4\n5\n6" },
    "    gave after 12 ms: 1\n      2\n      3\n      4\n      5\n      …",
  ],
  [
    { type: "tool_result", callId: "1", isError: true, ms: 3, preview: "no\n" },
    "    failed after 3 ms: no",
  ],
  [{ type: "phase", name: "setup", state: "started" }, undefined],
  [{ type: "phase", name: "setup", state: "done", ms: 7 }, "(setup done, 7 ms)"],
  [{ type: "changes", files: 2, added: 3, removed: 1 }, "  changed: 2 files, +3 -1"],
  [{ type: "usage", inputTokens: 1, outputTokens: 1, costUsd: 0 }, undefined],
  [{ type: "retry", text: "529" }, "  again: 529"],
  [{ type: "refused", text: "no" }, "  refused: no"],
  [{ type: "cost", costUsd: 0.5, turns: 2 }, "  cost: $0.5000 in 2 turns"],
  [{ type: "status", status: "queued", why: "Waiting." }, "[queued] Waiting."],
  [{ type: "of_tomorrow", more: 1 }, "  (of_tomorrow)"],
])("%j is told, and an event that is not known here has its name", (event, expected) => {
  expect(textOf(event)).toBe(expected);
});

test("a run at work is shown with what it does, and how to follow it", () => {
  const id = `run_${"0".repeat(22)}`;
  const document = JSON.parse(JSON.stringify(makeRun({ id, prompt: "Do\nit" }).run)) as Run;
  const run: Run = {
    ...document,
    status: "running",
    why: "The agent is working.",
    attempt: 2,
    progress: { turn: 3, text: "Bash ls", at: "" },
    createdAt: new Date().toISOString(),
  };
  expect(shownLines(run, { profile: "work" })).toEqual([
    `${id}  running: The agent is working.`,
    "  Prompt    Do it",
    expect.stringMatching(/^ {2}Turn {6}1 of conv_\w+$/),
    "  Labels    team=a",
    expect.stringMatching(/^ {2}Time {6}0:0\d, since 20/),
    "  Attempt   2",
    "  Doing     turn 3: Bash ls",
    `  Next      npx runyard watch ${id} --profile work`,
  ]);
});
