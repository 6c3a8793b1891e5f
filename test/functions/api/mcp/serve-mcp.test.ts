import { createHash } from "node:crypto";
import { ask, otherOwner } from "../../../support/api.ts";
import {
  type McpRequest,
  notification,
  REVISION_NOW,
  requestOfBefore,
  requestOfNow,
  WELCOME,
} from "../../../support/mcp.ts";
import { startWorld, type World } from "../../../support/world.ts";

const LONG_MS = 180_000;

// One world for the file: each request stands by itself, and a world costs seconds.
let world: World;
beforeAll(async () => {
  world = await startWorld();
}, 180_000);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

type Headers = Record<string, string>;

const send = ({ json, headers }: McpRequest, more: Headers = {}) =>
  ask(world, "POST /../mcp", { body: json, headers: { ...headers, ...more } });
const before = (method: string, params?: object, more?: Headers) =>
  send(requestOfBefore(method, params), more);
const now = (...message: Parameters<typeof requestOfNow>) => send(requestOfNow(...message));
const { headers: HEADERS } = requestOfBefore("ping");
const bare = (json: unknown) => ask(world, "POST /../mcp", { body: json, headers: HEADERS });

/** What a tool answered, and whether that is a refusal. */
async function use(name: string, input: object, headers?: Headers) {
  const { status, body } = await before("tools/call", { name, arguments: input }, headers);
  expect(status).toBe(200);
  const [{ text }] = body.result.content;
  return { text, isError: body.result.isError ?? false };
}

/** The JSON that a tool answered. */
async function told(name: string, input: object) {
  const { text, isError } = await use(name, input);
  expect([isError, text]).toEqual([false, expect.any(String)]);
  return JSON.parse(text);
}

const TOOLS = [
  "start_run",
  "wait_for_run",
  "get_run",
  "list_runs",
  "continue_run",
  "cancel_run",
  "get_patch",
];

test.each([
  ["2025-11-25", requestOfBefore("ping")],
  ["2026-07-28", requestOfNow("tools/list")],
])("whatever type of JSON the API takes is taken of a client of %s", async (_revision, message) => {
  const { status, body } = await send(message, { "content-type": "application/vnd.x+json" });
  expect([status, body]).toEqual([200, expect.objectContaining({ jsonrpc: "2.0" })]);
});

test("a client of 2025-11-25 is welcomed, and sees the tools", async () => {
  const welcome = await before("initialize", WELCOME);
  expect(welcome.body).toMatchObject({
    id: 7,
    result: { protocolVersion: "2025-11-25", serverInfo: { name: "runyard" } },
  });
  const told = await send(notification("notifications/initialized"));
  expect([told.status, told.body]).toEqual([202, undefined]);
  const { body } = await before("tools/list");
  expect(body.result.tools.map(({ name }: { name: string }) => name)).toEqual(TOOLS);
  expect(JSON.stringify(body)).not.toContain("x-form");
});

test("a client of 2026-07-28 discovers the server, sees the tools and calls one", async () => {
  const { status, body } = await now("server/discover");
  expect(status).toBe(200);
  expect(body.result).toMatchObject({ supportedVersions: expect.arrayContaining([REVISION_NOW]) });
  const listed = await now("tools/list");
  expect(listed.body.result.tools).toHaveLength(TOOLS.length);
  const called = await now("tools/call", { name: "list_runs", arguments: {} });
  expect(JSON.parse(called.body.result.content[0].text)).toMatchObject({
    items: expect.any(Array),
  });
});

test(
  "a run from its start to the patch, and the next one of its conversation",
  async () => {
    const task = "run: printf 'ä%.0s' $(seq 40000) > a.txt";
    const once = { prompt: task, labels: { by: "mcp" }, idempotencyKey: "mcp-1" };
    const started = await told("start_run", once);
    expect(started).toMatchObject({ done: false, task });
    expect((await told("start_run", once)).id).toBe(started.id);
    const { id } = started;
    const ended = await told("wait_for_run", { id });
    expect(ended).toMatchObject({
      ...{ id, done: true, status: "succeeded", outcome: "succeeded" },
      answer: expect.stringContaining("The command answered"),
      changedFiles: ["a.txt"],
    });
    const first = await told("get_patch", { id });
    expect(first.patch).toContain("+++ b/a.txt");
    const rest = await told("get_patch", { id, offset: first.nextOffset });
    expect(rest.nextOffset).toBeUndefined();
    const whole = await (await world.call(`/runs/${id}/patch`)).text();
    expect(first.patch + rest.patch).toBe(whole);
    const next = await told("continue_run", { id, prompt: "what did I ask before" });
    expect(next).toMatchObject({ conversation: ended.conversation, turn: 2 });
    const last = await told("wait_for_run", { id: next.id });
    expect(last.answer).toContain("You asked before");
    const listed = await told("list_runs", { label: "by:mcp" });
    expect(listed.items.map((run: { id: string }) => run.id)).toEqual([id]);
  },
  LONG_MS,
);

test(
  "a run that takes longer than a call may is waited for once more, and cancelled",
  async () => {
    const { id } = await told("start_run", { prompt: "wait 100 seconds" });
    const unfinished = await told("wait_for_run", { id, seconds: 2 });
    expect(unfinished).toMatchObject({ done: false, next: "call wait_for_run again" });
    await told("cancel_run", { id });
    const over = await told("wait_for_run", { id });
    expect(over).toMatchObject({ done: true, status: "cancelled" });
    const resumed = await told("continue_run", { id });
    expect(resumed.turn).toBe(2);
    await told("cancel_run", { id: resumed.id });
  },
  LONG_MS,
);

test("what is wrong with a call is said in the words of the API", async () => {
  const refusals: [string, object, RegExp][] = [
    ["start_run", { prompt: " " }, /prompt.* not blank/],
    ["start_run", {}, /prompt/],
    ["start_run", { prompt: "x", extra: 1 }, /extra/],
    ["start_run", { prompt: "x", agent: "nobody" }, /nobody, and there is no such agent/],
    ["start_run", { prompt: "x", agent: "a", model: "opus" }, /^model: an agent brings its own/],
    ["start_run", { prompt: "x", repository: { url: "file:///etc" } }, /https:\/\//],
    ["wait_for_run", { id: "run_x", seconds: 46 }, /seconds.* 45/],
    ["get_run", { id: "../keys" }, /there is no run/],
    ["get_run", { id: "run_x" }, /there is no run run_x/],
    ["list_runs", { status: "odd" }, /status/],
    ["cancel_run", { id: "run_x" }, /there is no run/],
    ["get_patch", { id: "run_x", offset: -1 }, /offset/],
  ];
  for (const [name, input, words] of refusals) {
    expect(await use(name, input)).toEqual({ isError: true, text: expect.stringMatching(words) });
  }
  const { body } = await before("tools/call", { name: "delete_everything", arguments: {} });
  expect(JSON.stringify(body)).toContain("delete_everything");
});

test("a key does here what it may elsewhere, and not more", async () => {
  const { id } = await told("start_run", { prompt: "echo" });
  const stranger = await otherOwner(world);
  expect(await use("get_run", { id }, stranger)).toMatchObject({ isError: true });
  const hash = createHash("sha256").update("reader").digest("hex");
  await world.firestore.doc(`keys/${hash}`).set({ owner: "local", scopes: ["read"] });
  const reader = { authorization: "Bearer reader" };
  expect(await use("get_run", { id }, reader)).toMatchObject({ isError: false });
  expect(await use("cancel_run", { id }, reader)).toEqual({
    isError: true,
    text: "this needs the scope run; you have read",
  });
  const unknown = await before("tools/list", {}, { authorization: "Bearer x" });
  expect([unknown.status, unknown.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
});

test("what is no message is refused, with what is wrong", async () => {
  expect((await bare("{")).body).toMatchObject({ code: "malformed_json" });
  expect((await bare([])).body).toMatchObject({ code: "invalid" });
  expect(await bare({ jsonrpc: "2.0" })).toMatchObject({
    status: 400,
    body: { error: { code: -32600 } },
  });
  expect(await before("nothing")).toMatchObject({ status: 200, body: { error: { code: -32601 } } });
  expect(await now("nothing")).toMatchObject({ status: 404, body: { error: { code: -32601 } } });
  expect((await before("tools/list", {}, { accept: "text/html" })).status).toBe(406);
  expect((await ask(world, "GET /../mcp")).status).toBe(405);
  const listening = await now("subscriptions/listen", {
    notifications: { toolsListChanged: true },
  });
  expect(listening.body).toMatchObject({ error: { message: expect.stringMatching(/limit/) } });
});
