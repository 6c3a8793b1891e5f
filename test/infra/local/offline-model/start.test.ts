import {
  type ReceivedRequest,
  startOfflineModel,
} from "../../../../infra/local/offline-model/start.ts";
import { differsTest } from "../../../contract/declared.ts";

const tool = { name: "Write", description: "", input_schema: { type: "object" } };
const system = {
  role: "system",
  content: "# Environment\n - Primary working directory: /somewhere\n - x",
};

const ask = (url: string, body: object | string, path = "/v1/messages?beta=true") =>
  fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": "any" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

const user = (text: string) => ({ role: "user", content: [{ type: "text", text }] });

test("a message comes as one document", async () => {
  await using model = await startOfflineModel();
  const response = await ask(model.url, {
    model: "claude-x",
    messages: [user("<system-reminder>x</system-reminder>"), user("hello"), system],
    tools: [tool],
  });
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(await response.json()).toMatchObject({
    type: "message",
    role: "assistant",
    model: "claude-x",
    stop_reason: "tool_use",
    content: [
      { type: "text", text: "[offline] I will write hello.txt." },
      { type: "tool_use", name: "Write", input: { file_path: "/somewhere/hello.txt" } },
    ],
    usage: { input_tokens: 0, output_tokens: 0 },
  });
});

test("a stream's events put together give the same message", async () => {
  await using model = await startOfflineModel();
  const messages = [user(`run: echo ${"long ".repeat(300)}`)];
  const response = await ask(model.url, { messages, stream: true, tools: [{ name: "Bash" }] });
  expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
  const events = (await response.text())
    .trim()
    .split("\n\n")
    .map((event) => {
      const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(event) ?? [];
      const parsed = JSON.parse(data ?? "");
      expect(parsed.type).toBe(name);
      return parsed;
    });
  const types = events.map(({ type }) => type);
  expect(types.slice(0, 3)).toEqual(["message_start", "ping", "content_block_start"]);
  expect(types.slice(-2)).toEqual(["message_delta", "message_stop"]);
  const deltas = events.filter(({ type, index }) => type === "content_block_delta" && index === 1);
  expect(deltas.length).toBeGreaterThan(2);
  const input = JSON.parse(deltas.map(({ delta }) => delta.partial_json).join(""));
  expect(input.command).toBe(`echo ${"long ".repeat(300)}`);
  expect(events.at(-2)).toMatchObject({ delta: { stop_reason: "tool_use" } });
});

test("after the tool's result comes the explanation", async () => {
  await using model = await startOfflineModel();
  const messages = [
    user("hello"),
    { role: "assistant", content: [{ type: "tool_use", id: "t", name: "Write", input: {} }] },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: "written" }] },
  ];
  const answer = await (await ask(model.url, { messages, tools: [tool] })).json();
  expect(answer).toMatchObject({ stop_reason: "end_turn", content: [{ type: "text" }] });
});

test("a later prompt of the same conversation starts its own scenario", async () => {
  await using model = await startOfflineModel();
  const messages = [user("say nothing"), { role: "assistant", content: [] }, user("fail with 429")];
  expect((await ask(model.url, { messages })).status).toBe(429);
});

test.each([400, 401, 429, 500, 529])("the error %d has the API's form", async (status) => {
  await using model = await startOfflineModel();
  const response = await ask(model.url, { messages: [user(`fail with ${status}`)] });
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({
    type: "error",
    error: {
      type: expect.stringMatching(/_error$/),
      message: expect.stringMatching(/^\[offline\]/),
    },
  });
});

test.each([
  ["no JSON", "oops"],
  ["no messages", "{}"],
  ["messages that are none", '{"messages":[1]}'],
])("a body with %s is an invalid request", async (_name, body) => {
  await using model = await startOfflineModel();
  const response = await ask(model.url, body);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { type: "invalid_request_error" } });
});

test("tokens are counted, the front page answers, and other paths are not served", async () => {
  await using model = await startOfflineModel();
  const counted = await ask(model.url, { messages: [] }, "/v1/messages/count_tokens");
  expect(await counted.json()).toEqual({ input_tokens: expect.any(Number) });
  expect((await fetch(model.url, { method: "HEAD" })).status).toBe(200);
  expect((await fetch(`${model.url}/v1/files`)).status).toBe(404);
});

test("each request is told before it is answered, and a script of one's own is followed", async () => {
  const requests: ReceivedRequest[] = [];
  await using model = await startOfflineModel({
    onRequest: (request) => void requests.push(request),
    script: [
      { name: "only", example: "x", does: "x", phrase: /^/, turns: () => [{ text: "mine" }] },
    ],
  });
  const body = { messages: [user("x")] };
  const answer = await (await ask(model.url, body)).json();
  expect(answer).toMatchObject({ content: [{ text: "mine" }] });
  expect(requests).toMatchObject([
    { path: "/v1/messages?beta=true", headers: { "x-api-key": "any" }, body },
  ]);
});

differsTest.each([
  ["with a key", { "x-api-key": "nonsense" }],
  ["without", {}],
])(
  "Differs: any key is accepted: %s, and what the script does not know changes nothing",
  async (_, headers: Record<string, string>) => {
    await using model = await startOfflineModel();
    const known = { model: "m", messages: [user("run: true")], tools: [{ name: "Bash" }] };
    const unknown = { temperature: 0.9, thinking: { type: "enabled", budget_tokens: 2000 } };
    const answerTo = async (body: object) => {
      const init = { method: "POST", headers, body: JSON.stringify(body) };
      const response = await fetch(`${model.url}/v1/messages`, init);
      expect(response.status).toBe(200);
      return (await response.json()) as { content: object[]; usage: object };
    };
    const [plain, sampled] = [await answerTo(known), await answerTo({ ...known, ...unknown })];
    expect(sampled.content.map(withoutId)).toEqual(plain.content.map(withoutId));
    expect(sampled.usage).toMatchObject({ input_tokens: 0, output_tokens: 0 });
  },
);

function withoutId(block: object): object {
  return { ...block, id: undefined };
}
