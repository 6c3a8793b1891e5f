import { agentEventsOf } from "../../../../../infra/agent/engines/claude-code/told-events.ts";
import { AgentEvent } from "../../../../../shared/documents/event.ts";
import { validatorOf } from "../../../../../shared/schema/validate.ts";

const eventsOf = (line: unknown, costBefore = 0) =>
  agentEventsOf(typeof line === "string" ? line : JSON.stringify(line), { costBefore, turns: 7 });

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
      { type: "tool", tool: "Write", input: "a.txt" },
      { type: "tool", tool: "Bash", input: "npm test" },
    ],
  ],
  [
    "a call of an unknown kind",
    assistant([call("mcp__notes__add", { note: "x", n: 1 })]),
    [{ type: "tool", tool: "mcp__notes__add", input: '{"note":"x","n":1}' }],
  ],
  ["a broken call", assistant([call(7, "x")]), [{ type: "tool", tool: "tool", input: "" }]],
  ["a sub-agent's words", assistant([{ type: "text", text: "Inner." }], "toolu_1"), []],
  [
    "a sub-agent's call",
    assistant([call("Read", { file_path: "x" })], "toolu_1"),
    [{ type: "tool", tool: "Read", input: "x" }],
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
    [{ type: "cost", costUsd: 0.5, turns: 3 }],
  ],
  [
    "a result without turns",
    { type: "result", total_cost_usd: 0.5 },
    [{ type: "cost", costUsd: 0.5, turns: 7 }],
  ],
  ["a result without cost", { type: "result", is_error: true }, []],
])("what is told of %s", (_name, line, expected) => {
  expect(eventsOf(line)).toEqual(expected);
});

test("what the session cost before is not in this run's cost, whether the agent counts it or not", () => {
  expect(eventsOf({ type: "result", total_cost_usd: 0.75 }, 0.5)).toMatchObject([
    { costUsd: 0.25 },
  ]);
  expect(eventsOf({ type: "result", total_cost_usd: 0.25 }, 0.5)).toMatchObject([
    { costUsd: 0.25 },
  ]);
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
    { type: "system", subtype: "permission_denied", tool_name: long },
    { type: "system", subtype: "api_retry", error: long, attempt: long },
    { type: "system", subtype: "init", mcp_servers: [{ name: long, status: "failed" }, null, 7] },
    { type: "result", total_cost_usd: 1, num_turns: 1.5 },
  ];
  const events = lines.flatMap((line) => eventsOf(line));
  expect(events).toHaveLength(7);
  for (const event of events) {
    expect(validate(event)).toEqual({ ok: true, value: event });
    expect(Buffer.byteLength(JSON.stringify(event))).toBeLessThan(25_000);
  }
});
