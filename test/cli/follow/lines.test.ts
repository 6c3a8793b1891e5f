import fc from "fast-check";
import { columnsOf } from "../../../cli/columns.ts";
import { liveLine, liveLines, plainLine } from "../../../cli/follow/lines.ts";
import { newView, type RunView, type Update, updated } from "../../../cli/follow/view.ts";
import type { Run, RunEvent } from "../../../client/types.ts";
import { makeRun } from "../../support/make-run.ts";

const ID = `run_${"0".repeat(22)}`;
const CREATED = Date.parse("2026-01-02T03:04:05.000Z");

function run(more: Partial<Run> = {}): Update {
  const document = JSON.parse(JSON.stringify(makeRun({ id: ID }).run)) as Run;
  return { type: "run", run: { ...document, ...more } };
}

const event = (content: object, at = "2026-01-02T03:04:09.000Z"): Update => ({
  type: "event",
  event: { id: "1-000001", at, event: content } as RunEvent,
});

const viewOf = (...updates: Update[]): RunView => updates.reduce(updated, newView(ID, CREATED));

const working = run({ status: "running", progress: { turn: 2, text: "Read a", at: "" } });

test("a run is told from its document, and sooner from its events", () => {
  expect(plainLine(viewOf(run()))).toBe("   0.0s pending    accepted");
  expect(plainLine(viewOf(run(), working))).toBe("   0.0s running    turn 2: Read a");
  const tool = event({ type: "tool", tool: "Bash", input: "npm test" });
  expect(plainLine(viewOf(working, tool))).toBe("   4.0s running    turn 2: Bash npm test");
  expect(plainLine(viewOf(working, tool, working))).toContain("Bash npm test");
  const denied = event({ type: "denied", tool: "Write" });
  expect(plainLine(viewOf(working, denied))).toContain("turn 2: denied: Write");
  const over = run({ status: "succeeded", done: true, why: "Done." });
  expect(plainLine(viewOf(working, tool, over))).toMatch(/succeeded {2}Done\.$/);
});

test("events that are not known here change nothing", () => {
  const before = viewOf(working);
  const after = viewOf(working, event({ type: "of_tomorrow", name: "upload" }));
  expect(after).toEqual({ ...before, atMs: after.atMs });
});

test("a live view has the status, elapsed time, turn, cost and what is done, and says when nobody answers", () => {
  const cost = event({ type: "cost", costUsd: 0.0123, turns: 4 });
  const view = viewOf(working, event({ type: "tool", tool: "Bash", input: "ls" }), cost);
  expect(liveLines(view, CREATED + 83_000, 100)).toEqual([
    `running     1:23  turn 4  $0.0123  ${ID}`,
    "  Bash ls",
  ]);
  const lost = updated(view, { type: "lost", why: "x" });
  expect(liveLines(lost, CREATED, 100)[0]).toContain("the server does not answer; still trying");
  expect(liveLines(updated(lost, { type: "back" }), CREATED, 100)[0]).not.toContain("answer");
  expect(liveLine(view, CREATED, 100)).toBe(
    "run_000000…  running     0:00  turn 4  $0.0123  Bash ls",
  );
});

test("phases, failed calls, what is used and what is changed are told as they happen", () => {
  const after = (content: object) => viewOf(working, event(content));
  const phase = (name: string, state: string) => after({ type: "phase", name, state }).doing;
  expect(phase("checkout", "started")).toBe("Getting the repository.");
  expect(phase("setup", "failed")).toBe("failed: setup");
  expect(phase("of_tomorrow", "started")).toBe("Read a");
  expect(phase("agent", "started")).toBe("Read a");
  const result = { type: "tool_result", callId: "1", preview: "no such file", ms: 5 };
  expect(after({ ...result, isError: true }).doing).toBe("failed: no such file");
  expect(after({ ...result, isError: false }).doing).toBe("Read a");
  const used = { type: "usage", inputTokens: 1, outputTokens: 1, costUsd: 0.25 };
  const changes = { type: "changes", files: 2, added: 10, removed: 3 };
  const view = viewOf(working, event(used), event(changes));
  expect(liveLines(view, CREATED, 100)[0]).toContain("turn 2  $0.2500  +10 -3  run_");
});

test("a new attempt begins its turns anew, with what the ones before have cost", () => {
  const cost = event({ type: "cost", costUsd: 1, turns: 4 });
  const again = run({ status: "queued", attempt: 2, usage: null });
  expect(viewOf(working, cost, again)).toMatchObject({ turn: 0, costUsd: 1, attempt: 2 });
});

test("nothing that others say steers the terminal or makes a line longer than it may be, from 40 columns", () => {
  const text = fc.string({ unit: "binary", maxLength: 300 });
  fc.assert(
    fc.property(
      fc.tuple(text, text, text),
      fc.integer({ min: 40, max: 200 }),
      ([status, why, input], columns) => {
        const view = viewOf(
          run({ status: status as Run["status"], why }),
          event({ type: "tool", tool: input, input: why }),
        );
        const lines = [...liveLines(view, CREATED, columns), liveLine(view, CREATED, columns)];
        for (const line of lines) {
          expect(columnsOf(line)).toBeLessThanOrEqual(columns);
          expect(line).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
        }
        expect(plainLine(view)).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
      },
    ),
  );
});
