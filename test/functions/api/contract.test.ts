import { createHash } from "node:crypto";
import type { Agent } from "../../../shared/agent/agent.ts";
import { type Operation, SCOPES } from "../../../shared/api/operation.ts";
import { OPERATIONS } from "../../../shared/api/operations.ts";
import type { Run } from "../../../shared/documents/run.ts";
import { PROBLEMS, type ProblemCode } from "../../../shared/errors.ts";
import { type ApiContract, apiContract, pageAsset } from "../../support/api-contract.ts";
import { driveTriggers } from "../../support/drive-triggers.ts";
import { snapshotsUntil } from "../../support/follow.ts";
import { legacyIsDriven } from "../../support/legacy-calls.ts";
import { notification, requestOfBefore, requestOfNow } from "../../support/mcp.ts";
import { webhookIsDriven } from "../../support/webhook-calls.ts";
import { startWorld, type World } from "../../support/world.ts";

const LONG_MS = 180_000;
/** A key that may only read. */
const READER = "reader";

// One world and one record for the file: its last test asks what was never driven.
let world: World;
let contract: ApiContract;
let call: World["call"];
beforeAll(async () => {
  world = await startWorld();
  contract = apiContract();
  call = contract.callOf(world);
  const hash = createHash("sha256").update(READER).digest("hex");
  await world.firestore.doc(`keys/${hash}`).set({ owner: "local", scopes: ["read"] });
}, 180_000);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

const WAIT = { prefer: "wait=100" };

async function post<T = Run>(path: string, json: object, headers: object = {}): Promise<T> {
  const response = await call(path, { json, headers: headers as Record<string, string> });
  return (await response.json()) as T;
}

/**
 * Status and headers of an answer whose content does not matter; it is read, or it would be waited
 * for.
 */
async function answer(path: string, init: RequestInit = {}): Promise<Response> {
  const response = await call(path, init);
  await response.arrayBuffer();
  return response;
}

const statusOf = async (path: string, headers: Record<string, string> = {}) =>
  (await answer(path, { headers })).status;

/** The whole answer, as of content that may be asked for in part and by its ETag. */
async function expectContent(path: string): Promise<void> {
  const whole = await call(path);
  const etag = whole.headers.get("etag") ?? "";
  const text = await whole.text();
  const part = await call(path, { headers: { range: "bytes=1-3" } });
  expect([part.status, await part.text()]).toEqual([206, text.slice(1, 4)]);
  expect(await statusOf(path, { "if-none-match": etag })).toBe(304);
  expect(await statusOf(path, { range: `bytes=${text.length + 9}-` })).toBe(416);
}

/** A stream without an end, which begins at once. */
async function expectFollowed(path: string): Promise<void> {
  const response = await call(path);
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  for await (const _part of response.body ?? []) break;
}

/** The URL path of an operation below `/v1`, with `value` for each parameter. */
const pathOf = ({ path }: Operation, value: string) => `/..${path.replace(/\{\w+\+?\}/g, value)}`;

const isScope = (access: string) => (SCOPES as readonly string[]).includes(access);

const NOWHERE = "nothing-of-this-name";

describe("every operation answers as its document says", () => {
  test(
    "a run, all that it leaves, and its end",
    async () => {
      const run = await post("/runs", { prompt: "run: echo a > a.txt" }, WAIT);
      expect(run).toMatchObject({ status: "succeeded" });
      await post("/uploads", { sha256: "0".repeat(64), sizeBytes: 1 });
      const at = `/runs/${run.id}`;
      const lists = ["/runs?pageSize=1", "/conversations?pageSize=1", "/usage?by=label"];
      const parts = ["", "/request", "/logs", "/artifacts", "/artifacts.tar"];
      for (const path of [...lists, ...parts.map((part) => at + part)]) {
        expect(await statusOf(path)).toBe(200);
      }
      expect(await post(`${at}/archive`, {})).toMatchObject({ archivedAt: expect.any(String) });
      expect(await post(`${at}/unarchive`, {})).toMatchObject({ archivedAt: null });
      expect(await (await call(`${at}/events`)).text()).toContain("event: done");
      await expectFollowed("/runs?follow");
      await expectContent(`${at}/patch`);
      await expectContent(`${at}/artifacts/result.json`);
      const again = await Promise.all([post(`${at}/rerun`, {}), post(`${at}/rerun`, {}, WAIT)]);
      expect(again.map(({ parentRunId }) => parentRunId)).toEqual([run.id, run.id]);
      expect((await call(at, { method: "DELETE" })).status).toBe(204);
      expect(await statusOf(at)).toBe(404);
    },
    LONG_MS,
  );

  test(
    "a run that is cancelled, and its build's reports",
    async () => {
      const { id } = await post("/runs", { prompt: "run: sleep 60" });
      await snapshotsUntil(world.firestore, id, ({ status }) => status === "running");
      await reportAsBuild(id);
      expect((await call(`/runs/${id}/cancel`, { method: "POST" })).status).toBe(202);
      const [run] = (await snapshotsUntil(world.firestore, id)).slice(-1);
      expect(run).toMatchObject({ status: "cancelled" });
      const next = await post(`/runs/${id}/continue`, { prompt: "echo" }, WAIT);
      expect(next).toMatchObject({ status: "succeeded", parentRunId: id });
      expect(await post(`/runs/${next.id}/continue`, {})).toMatchObject({ code: "conflict" });
    },
    LONG_MS,
  );

  test(
    "a run that is continued without waiting, and a conversation",
    async () => {
      const agent = { settings: { maxTurns: 1 } };
      const stopped = await post("/runs", { prompt: "run: true", agent }, WAIT);
      expect(stopped).toMatchObject({ error: { kind: "limit" } });
      const at = `/conversations/${stopped.conversation.id}`;
      const { id } = await post(`/runs/${stopped.id}/continue`, { prompt: "echo" });
      expect(await post(`${at}/runs`, { prompt: "echo" })).toMatchObject({
        code: "conversation_busy",
      });
      await snapshotsUntil(world.firestore, id);
      expect(await post(`${at}/runs`, { prompt: "echo" }, WAIT)).toMatchObject({ done: true });
      expect(await post(`${at}/runs`, { prompt: "echo" })).toMatchObject({ done: false });
      expect(await statusOf(at)).toBe(200);
    },
    LONG_MS,
  );

  test("a trigger", () => driveTriggers({ post, answer, world }));

  test(
    "an agent",
    async () => {
      const { id } = await post<Agent>("/agents", { name: "one" });
      const at = `/agents/${id}`;
      const read = await call(at);
      const etag = read.headers.get("etag") ?? "";
      expect(await statusOf(at, { "if-none-match": etag })).toBe(304);
      const patch = (headers: Record<string, string>) =>
        call(at, {
          method: "PATCH",
          body: '{"settings":{"maxTurns":5}}',
          headers: { "content-type": "application/merge-patch+json", ...headers },
        });
      expect((await patch({})).status).toBe(428);
      expect((await patch({ "if-match": etag })).status).toBe(200);
      expect((await patch({ "if-match": etag })).status).toBe(412);
      for (const path of ["/agents", `${at}/versions`, `${at}/versions/1`]) {
        expect(await statusOf(path)).toBe(200);
      }
      expect(await post(`${at}/runs`, { prompt: "echo" })).toMatchObject({ done: false });
      expect(await post(`${at}/runs`, { prompt: "echo" }, WAIT)).toMatchObject({ done: true });
      for (const path of [`${at}/runs?dryRun`, "/runs?dryRun=true"]) {
        expect(await post(path, { prompt: "echo" })).toMatchObject({
          valid: true,
          repository: null,
          repositories: [],
        });
      }
      expect((await call(`${at}/archive`, { method: "POST" })).status).toBe(200);
      for (const path of ["/runs", "/runs?dryRun"]) {
        expect(await post(path, { prompt: "echo", agent: id })).toMatchObject({
          code: "agent_archived",
        });
      }
      expect((await call(`${at}/unarchive`, { method: "POST" })).status).toBe(200);
    },
    LONG_MS,
  );

  test("a webhook", () => webhookIsDriven(call), LONG_MS);

  test("what the service before this one had", () => legacyIsDriven(call), LONG_MS);

  test("messages to the MCP server", async () => {
    const { json, headers } = requestOfBefore("tools/list");
    for (const [status, message] of [
      [200, { json, headers }],
      [202, notification("notifications/initialized")],
      [400, { json: { jsonrpc: "2.0" }, headers }],
      [404, requestOfNow("nothing")],
      [406, { json }],
    ] as const) {
      expect((await call("/../mcp", message)).status).toBe(status);
    }
  });

  test("the service", async () => {
    for (const path of ["/health", await pageAsset(call)]) expect(await statusOf(path)).toBe(200);
    expect((await call("/tokens", { method: "POST" })).status).toBe(200);
    for (const path of ["/openapi.json", "/../docs"]) {
      const etag = (await answer(path)).headers.get("etag") ?? "";
      expect(await statusOf(path, { "if-none-match": etag })).toBe(304);
      expect((await answer(path, { method: "HEAD" })).status).toBe(200);
    }
  });

  /** What a build reports, with a token that is known here because its hash is put there. */
  async function reportAsBuild(id: string): Promise<void> {
    const state = world.firestore.doc(`runState/${id}`);
    await state.update({ progressTokenHash: createHash("sha256").update("token").digest("hex") });
    const { attempt, build } = (await state.get()).data() as {
      attempt: number;
      build: { id: string };
    };
    const response = await call(`/runs/${id}/progress`, {
      json: { attempt, buildId: build.id, text: "from here", turn: 1 },
      headers: { authorization: "Bearer token" },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get("report-after")).toBe("2");
  }
});

describe("every operation refuses as its document says", () => {
  const operations: readonly Operation[] = OPERATIONS;
  const CASES = operations.map((operation) => [operation.id, operation] as const);

  test.each(CASES)("%s: callers who may not", async (_id, operation) => {
    const method = operation.method.toUpperCase();
    const path = pathOf(operation, NOWHERE);
    const foreign = await answer(path, { method, headers: { origin: "https://evil.example" } });
    expect(foreign.status).toBe(403);
    const nobody = await answer(path, { method, headers: { authorization: "Bearer nobody" } });
    if (isScope(operation.access)) expect(nobody.status).toBe(401);
    if (operation.access !== "run" && operation.access !== "admin") return;
    const reader = await answer(path, { method, headers: { authorization: `Bearer ${READER}` } });
    expect(reader.status).toBe(403);
  });

  test.each(CASES)("%s: requests that do not fit", async (_id, operation) => {
    const method = operation.method.toUpperCase();
    const path = pathOf(operation, NOWHERE);
    const compressed = await answer(path, { method, headers: { "content-encoding": "gzip" } });
    expect(compressed.status).toBe(415);
    if (operation.path.includes("{")) {
      const { status } = await answer(path, { method });
      expect(status).toBeGreaterThanOrEqual(400);
    }
    if (operation.query !== undefined) {
      expect((await answer(`${path}?nonsense=1`, { method })).status).toBeGreaterThanOrEqual(404);
    }
    if (operation.body === undefined) return;
    const type = operation.bodyType ?? "application/json";
    const bodies: [string, string | Uint8Array<ArrayBuffer>][] = [
      ["text/plain", "{}"],
      [type, "{"],
      [type, "[]"],
      [type, new Uint8Array([0xff])],
    ];
    for (const [contentType, body] of bodies) {
      const headers = { "content-type": contentType };
      expect((await answer(path, { method, body, headers })).status).toBeGreaterThanOrEqual(400);
    }
    const stream = { body: new Blob(["{}"]).stream(), duplex: "half" } as RequestInit;
    expect((await answer(path, { method, ...stream })).status).toBe(411);
  });

  test("what is not there, and what is not done there", async () => {
    expect(await statusOf("/nowhere")).toBe(404);
    for (const operation of OPERATIONS) {
      const response = await answer(pathOf(operation, NOWHERE), { method: "PURGE" });
      expect(response.status).toBe(405);
      expect(response.headers.get("allow")).toContain(operation.method.toUpperCase());
    }
  });

  test("a body that is too large", async () => {
    const body = { json: { prompt: "x".repeat(3 * 1024 * 1024) } };
    expect((await call("/runs", body)).status).toBe(413);
  });

  test("a key that was used for something else", async () => {
    const key = { "idempotency-key": "one" };
    await post("/runs", { prompt: "echo" }, key);
    await post("/runs", { prompt: "echo" }, key);
    expect(await post("/runs", { prompt: "other" }, key)).toMatchObject({
      code: "idempotency_key_reused",
    });
  });
});

test("nothing of the document was left out", () => {
  const successes = OPERATIONS.flatMap(({ id, answers }) =>
    Object.keys(answers).map((status) => `${id} ${status}`),
  );
  expect(successes.filter((each) => !contract.seen.has(each))).toEqual([]);
  const codes = new Set([...contract.seen].map((each) => each.split(" ")[2]));
  const unseen = (Object.keys(PROBLEMS) as ProblemCode[]).filter((code) => !codes.has(code));
  expect(unseen.sort()).toEqual(NOT_PROVOKED.sort());
});

/**
 * Refusals that other tests provoke: of rates, of HTTP that `fetch` cannot send, of faults, of a
 * missing sandbox.
 */
const NOT_PROVOKED: ProblemCode[] = [
  ...([
    "budget_spent",
    "events_expired",
    "outputs_expired",
    "prompt_expired",
    "upload_expired",
  ] as const),
  ...(["foreign_host", "internal", "invalid_request", "limit_reached"] as const),
  ...(["no_sandbox", "rate_limited", "unavailable"] as const),
];
