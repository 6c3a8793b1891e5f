import { telling } from "../../../../../infra/agent/engines/claude-code/told-events.ts";
import { AgentEvent } from "../../../../../shared/documents/event.ts";
import { validatorOf } from "../../../../../shared/schema/validate.ts";

let now = 0;
const listener = (costUsd = 0.5) => {
  const tell = telling({ clock: { now: () => now }, costUsd: () => costUsd });
  return (line: unknown) => tell(typeof line === "string" ? line : JSON.stringify(line), 7);
};
const eventsOf = (line: unknown, costUsd?: number) => listener(costUsd)(line);

const assistant = (content: object[], parent: string | null = null) => ({
  type: "assistant",
  message: { id: "m", content },
  parent_tool_use_id: parent,
});
const call = (name: unknown, input: unknown) => ({ type: "tool_use", id: "t", name, input });

test.each<[string, unknown, object[]]>([
  ["no JSON", "oops", []],
  ["an unknown type", { type: "stream_event" }, []],
  [
    "words",
    assistant([{ type: "text", text: "\nI will\nwrite. " }]),
    [{ type: "text", text: "I will\nwrite." }],
  ],
  [
    "no words",
    assistant([
      { type: "text", text: " " },
      { type: "thinking", thinking: "x" },
    ]),
    [],
  ],
  [
    "words and calls, in their order",
    assistant([
      { type: "text", text: "Now." },
      call("Write", { file_path: "/workspace/a.txt", content: "x" }),
      call("Bash", { command: "npm test", description: "Runs" }),
    ]),
    [
      { type: "text", text: "Now." },
      { type: "tool", tool: "Write", input: "a.txt", callId: "t" },
      { type: "tool", tool: "Bash", input: "npm test", callId: "t" },
    ],
  ],
  [
    "a call of an unknown kind",
    assistant([call("mcp__notes__add", { note: "x", n: 1 })]),
    [{ type: "tool", tool: "mcp__notes__add", input: '{"note":"x","n":1}', callId: "t" }],
  ],
  [
    "a broken call",
    assistant([call(7, "x")]),
    [{ type: "tool", tool: "tool", input: "", callId: "t" }],
  ],
  ["a sub-agent's words", assistant([{ type: "text", text: "Inner." }], "toolu_1"), []],
  [
    "a sub-agent's call",
    assistant([call("Read", { file_path: "x" })], "toolu_1"),
    [{ type: "tool", tool: "Read", input: "x", callId: "t" }],
  ],
  [
    "a denial",
    { type: "system", subtype: "permission_denied", tool_name: "Bash" },
    [{ type: "denied", tool: "Bash" }],
  ],
  [
    "a retry",
    {
      type: "system",
      subtype: "api_retry",
      attempt: 2,
      max_retries: 4,
      retry_delay_ms: 1135,
      error_status: 529,
      error: "overloaded",
    },
    [{ type: "retry", text: "attempt 2 of 4 in 1.1 s: 529 overloaded" }],
  ],
  [
    "a change of model",
    { type: "system", subtype: "model_fallback", content: "Switched to Haiku 5.5" },
    [{ type: "retry", text: "Switched to Haiku 5.5" }],
  ],
  [
    "a start with a server that failed",
    {
      type: "system",
      subtype: "init",
      mcp_servers: [
        { name: "a", status: "connected" },
        { name: "b", status: "failed" },
      ],
    },
    [{ type: "text", text: "[MCP servers that failed: b]" }],
  ],
  ["a start", { type: "system", subtype: "init", mcp_servers: [] }, []],
  [
    "the result",
    { type: "result", total_cost_usd: 0.5, num_turns: 3 },
    [{ type: "cost", costUsd: 0.5, turns: 7 }],
  ],
  [
    "a result without turns",
    { type: "result", total_cost_usd: 0.5 },
    [{ type: "cost", costUsd: 0.5, turns: 7 }],
  ],
  [
    "a result without cost",
    { type: "result", is_error: true },
    [{ type: "cost", costUsd: 0.5, turns: 7 }],
  ],
])("what is told of %s", (_name, line, expected) => {
  expect(eventsOf(line)).toEqual(expected);
});

test.each([-5, 0, 1e9, Number.NaN, "0"])(
  "what a run has cost is what passed, though its line says %j",
  (total_cost_usd) => {
    expect(eventsOf({ type: "result", total_cost_usd, num_turns: -1 }, 0.25)).toEqual([
      { type: "cost", costUsd: 0.25, turns: 7 },
    ]);
  },
);

const result = (id: unknown, content: unknown, isError?: boolean) => ({
  type: "user",
  message: {
    content: [
      { type: "tool_result", tool_use_id: id, content, ...(isError && { is_error: true }) },
    ],
  },
});

describe("what a call came to", () => {
  test("is told once, with its beginning and how long it took", () => {
    const tell = listener();
    tell(assistant([call("Bash", { command: "npm test" })]));
    now += 1_250;
    const told = { type: "tool_result", callId: "t", isError: true, preview: "a\nb", ms: 1_250 };
    const content = [
      { type: "text", text: "a" },
      { type: "text", text: "b" },
    ];
    expect(tell(result("t", content, true))).toEqual([told]);
    expect(tell(result("t", content))).toEqual([]);
  });

  test("is cut, and of a call that was not told nothing is said", () => {
    const tell = listener();
    tell(assistant([call("Read", {})]));
    expect(tell(result("other", "x"))).toEqual([]);
    expect(tell(result(["t"], "x"))).toEqual([]);
    const [event] = tell(result("t", "é".repeat(3_000)));
    expect(event).toMatchObject({ isError: false, preview: expect.stringMatching(/^é{900,}/) });
    expect(validatorOf(AgentEvent)(event).ok).toBe(true);
  });

  test("or what was denied of it", () => {
    const tell = listener();
    tell(assistant([call("Bash", { command: "rm -r build" })]));
    const denial = { type: "system", subtype: "permission_denied", tool_name: "Bash" };
    expect(tell({ ...denial, tool_use_id: "t" })).toEqual([
      { type: "denied", tool: "Bash", input: "rm -r build", callId: "t" },
    ]);
    expect(tell({ ...denial, tool_use_id: "u" })).toEqual([{ type: "denied", tool: "Bash" }]);
  });
});

test("whatever a line holds, an event fits into its schema", () => {
  const validate = validatorOf(AgentEvent);
  const long = "é\u0000\u202e\ud800".repeat(10_000);
  const lines = [
    assistant([
      { type: "text", text: long },
      call(long, { command: long }),
      call(long, { x: long }),
    ]),
    result("t", long),
    { type: "system", subtype: "permission_denied", tool_name: long, tool_use_id: long },
    { type: "system", subtype: "api_retry", error: long, attempt: long },
    { type: "system", subtype: "init", mcp_servers: [{ name: long, status: "failed" }, null, 7] },
    { type: "result", total_cost_usd: 1, num_turns: 1.5 },
  ];
  const tell = listener();
  const events = lines.flatMap((line) => tell(line));
  expect(events).toHaveLength(8);
  for (const event of events) {
    expect(validate(event)).toEqual({ ok: true, value: event });
    expect(Buffer.byteLength(JSON.stringify(event))).toBeLessThan(25_000);
  }
});
