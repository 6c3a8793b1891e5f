import { callsOf } from "../../../../../infra/agent/engines/claude-code/calls.ts";
import {
  addMeaning,
  meaningOf,
  nothingSeen,
} from "../../../../../infra/agent/engines/claude-code/stream-json.ts";
import { recordPassed } from "../../../../../infra/agent/model/passed.ts";

const ASKED = "Claude requested permissions to use Write, but you haven't granted it yet.";
const DENIED = "Permission to use Bash has been denied because Claude Code is in don't ask mode.";

const failure = (id: string, content: unknown) => ({
  role: "user",
  content: [{ type: "tool_result", tool_use_id: id, is_error: true, content }],
});

/** A model that has called `tools` by their ids. */
function recordOf(tools: Record<string, string>, ...messages: object[]) {
  const passed = recordPassed((text) => text);
  passed.add(
    Object.entries(tools).map(([id, name]) => ({ type: "tool_use", id, name, input: {} }) as const),
  );
  passed.addTold(messages);
  return passed;
}

function seenIn(...lines: object[]) {
  const seen = nothingSeen();
  for (const line of lines) addMeaning(seen, meaningOf(JSON.stringify(line)), 100);
  return seen;
}

const denialLine = (id: string | undefined, tool = "Write") => ({
  type: "system",
  subtype: "permission_denied",
  tool_name: tool,
  ...(id !== undefined && { tool_use_id: id }),
});
const resultLine = (...ids: string[]) => ({
  type: "result",
  permission_denials: ids.map((id) => ({ tool_name: "Write", tool_use_id: id })),
});
const errorLine = (id: string) => ({
  type: "user",
  message: { content: [{ type: "tool_result", tool_use_id: id, is_error: true }] },
});

test("what the model was told of its calls counts without a line", () => {
  const passed = recordOf(
    { a: "Write", b: "Bash", c: "Read", d: "Grep" },
    failure("a", ASKED),
    failure("b", [{ type: "text", text: DENIED }]),
    failure("c", "No such file"),
    // Each request tells it all again.
    failure("a", ASKED),
  );
  expect(callsOf(seenIn(), passed, 100)).toMatchObject({
    toolErrors: 3,
    deniedTools: ["Write", "Bash"],
  });
});

test.each<[string, object]>([
  ["a denial of a call that the model never made", denialLine("x")],
  ["a denial without a call", denialLine(undefined)],
  ["a denial of a call that succeeded", denialLine("ok")],
  ["a result's denial of a call that the model never made", resultLine("x")],
  ["a result's denial of a call that succeeded", resultLine("ok")],
  [
    "a result's denial without a call",
    { type: "result", permission_denials: [{ tool_name: "B" }] },
  ],
  ["denials that are none", { type: "result", permission_denials: "Write" }],
  ["an error of a call that the model never made", errorLine("x")],
  ["an error of a call that succeeded", errorLine("ok")],
])("%s is not believed", (_name, line) => {
  const told = { role: "user", content: [{ type: "tool_result", tool_use_id: "ok" }] };
  const passed = recordOf({ ok: "Write" }, told);
  expect(callsOf(seenIn(line), passed, 100)).toMatchObject({
    toolErrors: 0,
    deniedTools: [],
    denials: [],
  });
});

test("of a call whose result the model was not told any more, lines are believed, but for its name", () => {
  const passed = recordOf({ last: "Write", worse: "Bash" });
  const seen = seenIn(denialLine("last", "Forged"), resultLine("worse"), errorLine("last"));
  expect(callsOf(seen, passed, 100)).toMatchObject({
    toolErrors: 1,
    deniedTools: ["Write", "Bash"],
  });
});

test("what a tool prints is no denial", () => {
  const passed = recordOf({ a: "Bash" }, failure("a", `Exit code 1\n${DENIED}`));
  expect(callsOf(seenIn(), passed, 100)).toMatchObject({ toolErrors: 1, deniedTools: [] });
});

test("denials are bounded, and so is what is remembered of lines", () => {
  const ids = Array.from({ length: 12_000 }, (_, index) => `id${index}`);
  const passed = recordOf(Object.fromEntries(ids.map((id) => [id, "Write"])));
  const seen = seenIn(...ids.map((id) => denialLine(id)));
  expect(seen.deniedCalls.size).toBe(10_000);
  expect(callsOf(seen, passed, 100).deniedTools).toHaveLength(100);
});
