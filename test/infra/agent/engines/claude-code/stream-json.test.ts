import {
  addMeaning,
  meaningOf,
  nothingSeen,
} from "../../../../../infra/agent/engines/claude-code/stream-json.ts";

const NOTHING = { toolCalls: 0, toolErrors: 0, isUnauthorized: false };

const assistant = (content: object[], more: object = {}): string =>
  JSON.stringify({
    type: "assistant",
    message: { id: "msg_1", model: "m", content },
    parent_tool_use_id: null,
    ...more,
  });
const call = (name: string, input: object) => ({ type: "tool_use", id: "t", name, input });

test.each<[string, string, object]>([
  ["no JSON", "oops {", NOTHING],
  ["JSON that is no object", "[1]", NOTHING],
  ["an unknown type", `{"type":"stream_event","x":1}`, NOTHING],
  ["an event without a message", `{"type":"assistant"}`, NOTHING],
  [
    "words",
    assistant([{ type: "text", text: "\n First \u0007 line.\nSecond." }]),
    {
      ...NOTHING,
      messageId: "msg_1",
      text: "\n First \u0007 line.\nSecond.",
      progress: "First line.",
    },
  ],
  [
    "a call",
    assistant([call("Write", { content: "x", file_path: "/workspace/a/hello.txt" })]),
    { ...NOTHING, messageId: "msg_1", toolCalls: 1, progress: "Write a/hello.txt" },
  ],
  [
    "a command of many lines",
    assistant([call("Bash", { command: "npm test\n&& echo", description: "Runs" })]),
    { ...NOTHING, messageId: "msg_1", toolCalls: 1, progress: "Bash npm test && echo" },
  ],
  [
    "words of a subagent, which are not the agent's",
    assistant([{ type: "text", text: "Sub" }], { parent_tool_use_id: "t1" }),
    { ...NOTHING, progress: "Sub" },
  ],
  [
    "a tool's error",
    `{"type":"user","message":{"content":[{"type":"tool_result","is_error":true},{"type":"tool_result"}]}}`,
    { ...NOTHING, toolErrors: 1 },
  ],
  [
    "a denial",
    `{"type":"system","subtype":"permission_denied","tool_name":"Bash"}`,
    { ...NOTHING, deniedTool: "Bash" },
  ],
  [
    "a retry after 401",
    `{"type":"system","subtype":"api_retry","error_status":401}`,
    { ...NOTHING, isUnauthorized: true },
  ],
  ["a retry after 529", `{"type":"system","subtype":"api_retry","error_status":529}`, NOTHING],
  [
    "the result",
    `{"type":"result","subtype":"success"}`,
    { ...NOTHING, result: { type: "result", subtype: "success" } },
  ],
])("the meaning of %s", (_name, line, expected) => {
  expect(meaningOf(line)).toEqual(expected);
});

test("progress is one line of at most 200 characters without control characters", () => {
  const { progress = "" } = meaningOf(
    assistant([call("Bash", { command: `\u001b[31m\u202e${"é😀".repeat(300)}` })]),
  );
  expect(Array.from(progress).length).toBe(200);
  expect(progress).toMatch(/^Bash \[31m é😀.*…$/u);
});

test("a message of several blocks is one turn, an API error in its place is none", () => {
  const seen = nothingSeen();
  const lines = [
    assistant([{ type: "text", text: "I write." }]),
    assistant([call("Write", {})]),
    assistant([{ type: "text", text: "API Error" }]).replace(`"m"`, `"<synthetic>"`),
  ];
  for (const line of lines) addMeaning(seen, meaningOf(line), 10);
  expect(seen).toMatchObject({ turns: 1, toolCalls: 1, lastText: "API Error" });
});

test("the list of denied tools is bounded", () => {
  const seen = nothingSeen();
  const denial = meaningOf(`{"type":"system","subtype":"permission_denied","tool_name":"Bash"}`);
  for (let count = 0; count < 5; count += 1) addMeaning(seen, denial, 3);
  expect(seen.deniedTools).toEqual(["Bash", "Bash", "Bash"]);
});
