import type { RunEvent } from "../../../client/types.ts";
import { type CheckResult, checksSummary, checkWords } from "../../../page/run/checks.ts";
import { earlierAttempts, ticksOf, waterfallOf } from "../../../page/run/lanes.ts";
import { openTab, tabsOf } from "../../../page/run/tabs.ts";
import { callCounts, turnsOf } from "../../../page/run/turns.ts";
import { answered, eventsOf, overRun, pageRun, secondsAfter } from "../../support/page-run.ts";

type Content = RunEvent["event"];

const text = (words: string): Content => ({ type: "text", text: words });
const call = (callId: string): Content => ({ type: "tool", tool: "Bash", input: "ls", callId });
const result = (callId: string, isError = false): Content => ({
  type: "tool_result",
  callId,
  isError,
  preview: "one\ntwo",
  ms: 1500,
});

const FAULT = { kind: "agent", message: "", remedy: "", retryable: false } as const;
const checked = (name: string, more: Partial<CheckResult> = {}): CheckResult => ({
  ...{ name, state: "passed", required: true, exitCode: 0, ms: 1500 },
  ...{ output: "", editedByAgent: false },
  ...more,
});

describe("a transcript", () => {
  test("begins a turn with what is said after results have come", () => {
    const events = eventsOf(
      text("I look."),
      call("a"),
      call("b"),
      result("a"),
      result("b", true),
      text("Done."),
    );
    const turns = turnsOf(events);
    expect(turns.map(({ words, calls }) => [words, calls.map(({ state }) => state)])).toEqual([
      [["I look."], ["done", "failed"]],
      [["Done."], []],
    ]);
    expect(turns[0]?.calls[0]).toMatchObject({ preview: "one\ntwo", ms: 1500 });
    expect(callCounts(turns)).toEqual({ all: 2, failed: 1, denied: 0 });
  });

  test("says which calls were denied, told before or not", () => {
    const events = eventsOf(
      call("a"),
      { type: "denied", tool: "Bash", callId: "a" },
      result("a", true),
      { type: "denied", tool: "Write", input: "x" },
      { type: "retry", text: "Overloaded." },
    );
    const turns = turnsOf(events);
    expect(turns.flatMap(({ calls }) => calls.map(({ tool, state }) => [tool, state]))).toEqual([
      ["Bash", "denied"],
      ["Write", "denied"],
    ]);
    expect(turns[0]?.notes).toEqual(["Overloaded."]);
  });

  test("begins a turn with each attempt", () => {
    const [first, second] = eventsOf(text("One."), text("Two."));
    if (!(first && second)) throw new Error("there are two");
    expect(turnsOf([first, { ...second, id: "2-000002" }])).toHaveLength(2);
  });
});

describe("a waterfall", () => {
  const phase = (name: "queue" | "setup" | "agent", state: "started" | "done", ms?: number) =>
    ({ type: "phase", name, state, ...(ms !== undefined && { ms }) }) as const;
  const events = eventsOf(
    phase("queue", "done", 1000),
    phase("setup", "started"),
    phase("setup", "done", 1000),
    phase("agent", "started"),
  );

  test("has what is over, what is at work, what was skipped and what comes later", () => {
    const run = pageRun({ status: "running" });
    const waterfall = waterfallOf(run, events, { now: secondsAfter(8) });
    expect(waterfall.lanes.map(({ name, state, ms }) => [name, state, ms])).toEqual([
      ["queue", "done", 1000],
      ["image", "skipped", null],
      ["claim", "skipped", null],
      ["checkout", "skipped", null],
      ["restore", "skipped", null],
      ["setup", "done", 1000],
      ["agent", "working", 4000],
      ["upload", "later", null],
    ]);
    expect(waterfall.lanes.at(-2)?.bar).toEqual({ from: 0.5, to: 1 });
    expect(ticksOf(waterfall)).toEqual([2000, 4000, 6000, 8000]);
  });

  test("reaches to what was told last, whatever the page's clock says", () => {
    const run = pageRun({ status: "running" });
    const { lanes, to } = waterfallOf(run, events, { now: secondsAfter(2) });
    expect(to).toBe(secondsAfter(4));
    expect(lanes.filter(({ ms }) => ms !== null).map(({ name, ms }) => [name, ms])).toEqual([
      ["queue", 1000],
      ["setup", 1000],
      ["agent", 0],
    ]);
  });

  test("says of a run that failed where, and what did not run", () => {
    const run = overRun({ status: "failed" });
    const { lanes } = waterfallOf(run, events, { now: secondsAfter(100) });
    expect(lanes.slice(-2).map(({ state }) => state)).toEqual(["failed", "never"]);
  });
});

test("an attempt before the last one ended with what was told of it last, and failed there", () => {
  const told = (attempt: number, name: "queue" | "agent", state: "started" | "done") =>
    eventsOf({ type: "phase", name, state, ...(state === "done" && { ms: 500 }) }).map((event) => ({
      ...event,
      id: `${attempt}-${event.id.slice(2)}`,
    }));
  const events = [
    ...told(1, "queue", "done"),
    ...told(1, "agent", "started"),
    ...told(2, "queue", "done"),
  ];
  const run = pageRun({ status: "running", attempt: 2 });
  expect(earlierAttempts(run, events)).toEqual([1]);
  const { lanes, to } = waterfallOf(run, events, { now: secondsAfter(60), attempt: 1 });
  expect(to).toBe(secondsAfter(1));
  expect(lanes.map(({ name, state }) => [name, state])).toContainEqual(["agent", "failed"]);
  expect(lanes.at(-1)).toMatchObject({ name: "upload", state: "never" });
});

test("a run whose checks failed opens with these, and its agent is not what failed", () => {
  const checks = [checked("unit", { state: "failed", exitCode: 1 }), checked("lint")];
  const run = overRun({
    status: "failed",
    verdict: { outcome: "checks_failed", deniedTools: [], checks, verified: false },
    error: { ...FAULT, code: "checks_failed" },
  });
  expect(tabsOf(run)).toContainEqual({ name: "checks", word: "Checks", count: 2 });
  expect(openTab(run, null)).toBe("checks");
  expect(openTab(overRun(), "checks")).not.toBe("checks");
  const events = eventsOf(
    { type: "phase", name: "agent", state: "done", ms: 1 },
    { type: "phase", name: "checks", state: "failed", ms: 1 },
    { type: "phase", name: "upload", state: "done", ms: 1 },
  );
  const { lanes } = waterfallOf(run, events, { now: secondsAfter(60) });
  const states = Object.fromEntries(lanes.map(({ name, state }) => [name, state]));
  expect(states).toMatchObject({ agent: "done", checks: "failed", upload: "done" });
});

test("a phase that comes again has a bar for each time", () => {
  const events = eventsOf(
    { type: "phase", name: "agent", state: "done", ms: 1000 },
    { type: "phase", name: "checks", state: "failed", ms: 500 },
    { type: "phase", name: "agent", state: "done", ms: 200 },
    { type: "phase", name: "checks", state: "done", ms: 100 },
  );
  const { lanes } = waterfallOf(overRun(), events, { now: secondsAfter(60) });
  const [agent, checks] = lanes.filter(({ earlier }) => earlier.length > 0);
  expect(agent).toMatchObject({ name: "agent", state: "done", ms: 1200 });
  expect(checks).toMatchObject({ name: "checks", state: "done", ms: 600 });
  expect(checks?.earlier).toMatchObject([{ isFailed: true }]);
});

test("what became of a check is said in words", () => {
  const all = [
    checked("unit"),
    checked("lint", { state: "failed", exitCode: 2 }),
    checked("big", { state: "failed", exitCode: null }),
    checked("slow", { state: "timed_out", exitCode: null, ms: 60_000 }),
    checked("late", { state: "not_run", exitCode: null, ms: null }),
  ];
  expect(all.map(checkWords)).toEqual([
    "passed after 1.5 s",
    "failed with exit code 2 after 1.5 s",
    "was stopped after 1.5 s",
    "timed out after 1 m 00 s",
    "did not run",
  ]);
  expect(checksSummary(all)).toBe("1 passed, 4 did not");
  expect(checksSummary(all.slice(0, 1))).toBe("1 passed");
  expect(checksSummary(all.slice(1))).toBe("4 did not pass");
});

test("a run opens with what came of it, and without a tab that has nothing", () => {
  const changes = { files: 2, added: 1, removed: 1 };
  const changed = overRun({ changes, output: answered("So.") });
  expect(tabsOf(changed).map(({ name }) => name)).toEqual([
    "answer",
    "transcript",
    "changes",
    "logs",
    "request",
    "deliveries",
  ]);
  expect(openTab(changed, null)).toBe("changes");
  expect(openTab(changed, "logs")).toBe("logs");
  expect(openTab(overRun({ output: answered("So.") }), "changes")).toBe("answer");
  expect(openTab(pageRun(), null)).toBe("transcript");
});
