import { minimalInstance } from "../../../../infra/local/offline-model/minimal-instance.ts";
import {
  DEFAULT_SCRIPT,
  nextTurn,
  type Situation,
  type Turn,
} from "../../../../infra/local/offline-model/script.ts";

const TOOLS = ["Write", "Bash"].map((name) => ({ name, schema: {} }));

const answerTo = (prompt: string, more: Partial<Situation> = {}): Turn =>
  nextTurn(DEFAULT_SCRIPT, {
    prompt,
    earlierPrompts: [],
    turn: 0,
    model: "claude-opus-5-5",
    workingDirectory: "/workspace",
    tools: TOOLS,
    toolResults: [],
    ...more,
  });

test.each<[string, object]>([
  [
    "Do something.",
    {
      tool: {
        name: "Write",
        input: { file_path: "/workspace/hello.txt", content: "Hello from Runyard.\n" },
      },
    },
  ],
  [
    "Please wait 3 seconds.",
    {
      tool: {
        name: "Bash",
        input: { command: "timeout 3 tail -f /dev/null; true", timeout: 13_000 },
      },
    },
  ],
  ["run: echo a\necho b", { tool: { name: "Bash", input: { command: "echo a\necho b" } } }],
  ["run: false\nmend: true", { tool: { name: "Bash", input: { command: "false" } } }],
  ["fail with 529", { errorStatus: 529 }],
  ["opus is overloaded", { errorStatus: 529 }],
  ["haiku is overloaded", { text: expect.stringContaining("claude-opus-5-5 took over") }],
  ['call: Bash {"command": "ls"}', { tool: { name: "Bash", input: { command: "ls" } } }],
  ["call: Bash {oops}", { text: expect.stringContaining("its input is no JSON") }],
  ["say nothing", { text: "" }],
  ["refuse this", { stopReason: "refusal" }],
  ["spend 1000 tokens", { outputTokens: 1000 }],
])("the prompt %j is answered by its scenario", (prompt, expected) => {
  expect(answerTo(prompt)).toMatchObject(expected);
});

test("what was asked before in the session is recalled", () => {
  const asked = answerTo("What did I ask before?", { earlierPrompts: ["Say\nhello.", "Go on."] });
  expect(asked).toEqual({
    text: expect.stringContaining('You asked before: "Say\\nhello.", then "Go on.".'),
  });
  const nothing = answerTo("What did I ask before?");
  expect(nothing).toEqual({ text: expect.stringContaining("You asked nothing before.") });
});

test("a tool of an MCP server is searched for before it is called", () => {
  const prompt = 'call: mcp__notes__add {"text": "x"}';
  const tools = [...TOOLS, { name: "ToolSearch", schema: {} }];
  expect(answerTo(prompt, { tools })).toMatchObject({
    tool: { name: "ToolSearch", input: { query: "select:mcp__notes__add" } },
  });
  const found = [...tools, { name: "mcp__notes__add", schema: {} }];
  expect(answerTo(prompt, { tools: found, turn: 1 })).toMatchObject({
    tool: { name: "mcp__notes__add", input: { text: "x" } },
  });
});

test("the last turn explains, and says that no model was asked", () => {
  const turn = answerTo("Do something.", {
    turn: 1,
    toolResults: [{ text: "ok", isError: false }],
  });
  expect(turn).toEqual({
    text: expect.stringMatching(/^\[offline\] I wrote hello.txt.*No model was asked/),
  });
});

test("a tool that failed is not claimed to have worked", () => {
  const turn = answerTo("Do something.", {
    turn: 1,
    toolResults: [{ text: "denied", isError: true }],
  });
  expect(turn).toEqual({
    text: expect.stringContaining("[offline] The tool answered with an error: denied"),
  });
});

test("a tool that is not offered is not called, and the answer says so", () => {
  const turn = answerTo("Do something.", { tools: [] });
  expect(turn).toEqual({ text: expect.stringContaining("[offline] I wanted to call Write") });
});

test("echo tells size, SHA-256 and start of the prompt", () => {
  expect(answerTo("echo é")).toEqual({
    text: expect.stringContaining(
      'The prompt has 7 bytes, SHA-256 8195aceae33fa784d17bdd87df00431b0d060c658745639f1bbf25332ed5922b, and begins with "echo é"',
    ),
  });
});

const SCHEMA = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] };
const STRUCTURED = [...TOOLS, { name: "StructuredOutput", schema: SCHEMA }];

test("the last turn answers through StructuredOutput where it is offered, once", () => {
  const done = [{ text: "ok", isError: false }];
  expect(answerTo("Do something.", { tools: STRUCTURED })).toMatchObject({
    tool: { name: "Write" },
  });
  expect(
    answerTo("Do something.", { tools: STRUCTURED, turn: 1, toolResults: done }),
  ).toMatchObject({
    tool: { name: "StructuredOutput", input: { n: 0 } },
  });
  const provided = [...done, { text: "Structured output provided successfully", isError: false }];
  const after = answerTo("Do something.", { tools: STRUCTURED, turn: 2, toolResults: provided });
  expect(after).not.toHaveProperty("tool");
});

test.each<[object | boolean, unknown]>([
  [{ type: "string" }, "offline"],
  [{ type: "string", minLength: 10 }, "offline..."],
  [{ type: "integer", minimum: 3 }, 3],
  [{ type: "number", exclusiveMinimum: 3 }, 4],
  [{ type: ["boolean", "null"] }, true],
  [{ enum: ["b", "a"] }, "b"],
  [{ const: 5 }, 5],
  [{ type: "array", minItems: 2, items: { type: "boolean" } }, [true, true]],
  [{ anyOf: [{ type: "null" }, { type: "string" }] }, null],
  [{ properties: { a: { type: "string" }, b: {} }, required: ["a"] }, { a: "offline" }],
  [true, null],
])("the smallest instance of %j is %j", (schema, expected) => {
  expect(minimalInstance(schema)).toEqual(expected);
});
