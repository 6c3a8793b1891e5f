import { randomUUID } from "node:crypto";
import { createConnection } from "node:net";
import { gzipSync } from "node:zlib";
import { CreateRun, Run } from "../../../shared/documents/run.ts";
import { RUN_LIMITS } from "../../../shared/limits.ts";
import { validatorOf } from "../../../shared/schema/validate.ts";
import { otherOwner } from "../../support/api.ts";
import { startWorld, type World } from "../../support/world.ts";

// One world for the file: each request stands by itself, and a world costs seconds.
let world: World;
beforeAll(async () => {
  // What the agents of its runs do does not matter here.
  world = await startWorld({ concurrentBuilds: 1 });
}, 180_000);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

interface Problem {
  status: number;
  code: string;
  detail: string;
  title: string;
  errors?: { pointer: string; detail: string }[];
}

async function problem(response: Response): Promise<Problem> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const body = (await response.json()) as Problem;
  expect(body.status).toBe(response.status);
  return body;
}

// biome-ignore lint/suspicious/noExplicitAny: each test looks at the fields that it is about
const json = async (response: Response | Promise<Response>): Promise<any> =>
  (await response).json();

const post = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
  world.call("/runs", {
    method: "POST",
    body,
    headers: { "content-type": "application/json", ...headers },
  });

/** Sends bytes as they are and returns all that comes back. */
function raw(text: string): Promise<string> {
  const { port } = new URL(world.local.address.apiUrl);
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = createConnection(Number(port), "127.0.0.1", () => socket.write(text));
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      answer += chunk;
    });
    socket.on("close", () => resolve(answer));
    // A server that refuses what is still being sent may reset the connection after its answer.
    socket.on(
      "error",
      (error: NodeJS.ErrnoException) => error.code !== "ECONNRESET" && reject(error),
    );
  });
}

describe("POST /v1/runs", () => {
  test("answers 202 with the run and where it is, and the run is there", async () => {
    const response = await world.call("/runs", { json: { prompt: "echo", labels: { a: "b" } } });
    expect(response.status).toBe(202);
    const run = await json(response);
    expect(validatorOf(Run)(run)).toMatchObject({ ok: true });
    expect(run).toMatchObject({ status: "pending", done: false, labels: { a: "b" } });
    expect(response.headers.get("location")).toBe(`/v1/runs/${run.id}`);
    expect((await world.firestore.doc(`runs/${run.id}`).get()).get("owner")).toBe("local");
  });

  test("keeps the request with each default filled in", async () => {
    const prompt = "echo \u{1f469}‍\u{1f4bb}\r\n\t$HOME";
    const { id } = await json(
      world.call("/runs", { json: { prompt, agent: { settings: { maxTurns: 3 } } } }),
    );
    const request = await json(world.call(`/runs/${id}/request`));
    expect(request).toMatchObject({
      runId: id,
      prompt,
      agent: null,
      settings: { maxTurns: 3, timeoutSeconds: 300 },
    });
    const again = { prompt: request.prompt, agent: { settings: request.settings } };
    expect(validatorOf(CreateRun)(again).ok).toBe(true);
  });

  test("takes a prompt of exactly 256 KiB of UTF-8", async () => {
    const prompt = `echo ${"é".repeat((RUN_LIMITS.promptBytes - 5) / 2)}x`.slice(0, -1);
    const whole = prompt + "x".repeat(RUN_LIMITS.promptBytes - Buffer.byteLength(prompt));
    expect((await world.call("/runs", { json: { prompt: whole } })).status).toBe(202);
    const refused = await problem(await world.call("/runs", { json: { prompt: `${whole}x` } }));
    expect(refused).toMatchObject({ code: "invalid", errors: [{ pointer: "/prompt" }] });
    expect(refused.detail).toContain(String(RUN_LIMITS.promptBytes));
  });

  test("takes 256 KiB of characters that are six in JSON each", async () => {
    const prompt = "\u0001".repeat(RUN_LIMITS.promptBytes);
    const { id } = await json(world.call("/runs", { json: { prompt } }));
    expect((await json(world.call(`/runs/${id}/request`))).prompt).toBe(prompt);
  });

  const schemaWith = (more: string) =>
    `{"prompt":"a","agent":{"settings":{"outputSchema":{"type":"object",${more}}}}}`;
  const REFUSED: [string, () => Promise<Response>, number, string][] = [
    ["no JSON", () => post("{prompt"), 400, "malformed_json"],
    ["an empty body", () => post(""), 400, "malformed_json"],
    ["invalid UTF-8", () => post(Buffer.from([0x22, 0xff, 0x22])), 400, "invalid_utf8"],
    ["an overlong body", () => post("x".repeat(RUN_LIMITS.bodyBytes + 1)), 413, "too_large"],
    ["text", () => post("{}", { "content-type": "text/plain" }), 415, "unsupported_media_type"],
    [
      "a form",
      () => post("a=b", { "content-type": "application/x-www-form-urlencoded" }),
      415,
      "unsupported_media_type",
    ],
    [
      "a compressed body",
      () => post(gzipSync("{}"), { "content-encoding": "gzip" }),
      415,
      "unsupported_media_type",
    ],
    ["a list", () => post("[]"), 422, "invalid"],
    [
      "what is nested too deep",
      () => post(`{"prompt":${"[".repeat(500_000)}${"]".repeat(500_000)}}`),
      422,
      "invalid",
    ],
    [
      "a list of too many items in an output schema",
      () => post(schemaWith(`"enum":[${"0,".repeat(125_000)}0]`)),
      422,
      "invalid",
    ],
    ["a NUL", () => post('{"prompt":"a\\u0000b"}'), 422, "invalid"],
    ["a lone surrogate", () => post('{"prompt":"a\\ud800b"}'), 422, "invalid"],
    [
      "an unusable output schema",
      () => post('{"prompt":"a","agent":{"outputSchema":{"type":"x"}}}'),
      422,
      "invalid",
    ],
    [
      "a key with a space",
      () => post('{"prompt":"a"}', { "idempotency-key": "a b" }),
      422,
      "invalid",
    ],
    [
      "a key that is too long",
      () => post('{"prompt":"a"}', { "idempotency-key": "a".repeat(256) }),
      422,
      "invalid",
    ],
  ];
  test.each(REFUSED)("%s: refused with what is wrong", async (_name, send, ...[status, code]) => {
    expect(await problem(await send())).toMatchObject({ status, code, detail: expect.any(String) });
  });

  test("names every fault with its place", async () => {
    const body = {
      prompt: 1,
      agent: { settings: { maxTurns: 0, nope: true } },
      labels: { A: "b" },
    };
    const { errors, detail } = await problem(await world.call("/runs", { json: body }));
    const pointers = errors?.map(({ pointer }) => pointer).sort();
    expect(pointers).toEqual([
      "/agent/settings/maxTurns",
      "/agent/settings/nope",
      "/labels/A",
      "/prompt",
    ]);
    expect(detail).toContain("3 more");
  });
});

describe("Idempotency-Key", () => {
  const body = '{"prompt":"echo"}';

  test("the same body gives the same run and says so", async () => {
    const key = { "idempotency-key": randomUUID() };
    const first = await post(body, key);
    const again = await post(body, key);
    expect([first.status, again.status]).toEqual([202, 202]);
    expect(first.headers.get("idempotency-replayed")).toBeNull();
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect((await json(again)).id).toBe((await json(first)).id);
  });

  test("another body, even of the same meaning, is refused and changes nothing", async () => {
    const key = { "idempotency-key": randomUUID() };
    const { id } = await json(post(body, key));
    const refused = await problem(await post('{ "prompt":"echo"}', key));
    expect(refused).toMatchObject({ status: 422, code: "idempotency_key_reused" });
    expect((await world.call(`/runs/${id}/request`)).status).toBe(200);
  });

  test("of fifty at once, one makes the run", async () => {
    const key = { "idempotency-key": randomUUID() };
    const answers = await Promise.all(Array.from({ length: 50 }, () => post(body, key)));
    const ids = await Promise.all(answers.map(async (answer) => (await json(answer)).id));
    expect(new Set(ids).size).toBe(1);
    const made = answers.filter((answer) => answer.headers.get("idempotency-replayed") === null);
    expect(made).toHaveLength(1);
  });

  test("belongs to its owner", async () => {
    const key = { "idempotency-key": randomUUID() };
    const { id } = await json(post(body, key));
    const other = await json(post(body, { ...key, ...(await otherOwner(world)) }));
    expect(other.id).not.toBe(id);
  });
});

describe("who may do what", () => {
  test.each([
    ["no key", {}],
    ["another scheme", { authorization: "Basic abc" }],
    ["an unknown key", { authorization: "Bearer ry_unknown" }],
  ])("%s is 401", async (_name, headers) => {
    const response = await fetch(`${world.local.address.apiUrl}/runs/run_${"0".repeat(22)}`, {
      headers,
    });
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
    expect(await problem(response)).toMatchObject({ status: 401, code: "unauthorized" });
  });

  test("another's run looks like one that does not exist", async () => {
    const { id } = await json(world.call("/runs", { json: { prompt: "echo" } }));
    const headers = await otherOwner(world);
    for (const path of [
      `/runs/${id}`,
      `/runs/${id}/request`,
      `/runs/run_${"0".repeat(22)}`,
      "/runs/x",
    ]) {
      expect(await problem(await world.call(path, { headers }))).toMatchObject({
        status: 404,
        code: "not_found",
      });
    }
    const cancel = await world.call(`/runs/${id}/cancel`, { method: "POST", headers });
    expect(await problem(cancel)).toMatchObject({ status: 404 });
  });

  test("a foreign host, as DNS rebinding sends it, is refused", async () => {
    const answer = await raw(
      "GET /v1/health HTTP/1.1\r\nHost: evil.example:80\r\nConnection: close\r\n\r\n",
    );
    expect(answer).toContain("403 Forbidden");
    expect(answer).toContain("foreign_host");
  });

  test("a foreign origin is refused, one's own is not", async () => {
    const origin = (value: string) => world.call("/health", { headers: { origin: value } });
    expect(await problem(await origin("https://evil.example"))).toMatchObject({
      code: "foreign_origin",
    });
    expect(await problem(await origin("null"))).toMatchObject({ code: "foreign_origin" });
    expect((await origin("http://localhost:3000")).status).toBe(200);
  });

  test("progress needs the attempt's own token", async () => {
    const { id } = await json(world.call("/runs", { json: { prompt: "echo" } }));
    const report = { attempt: 1, buildId: "b", text: "forged", turn: 1 };
    const answer = await world.call(`/runs/${id}/progress`, { json: report });
    expect(await problem(answer)).toMatchObject({ status: 401 });
    expect((await json(world.call(`/runs/${id}`))).progress?.text).not.toBe("forged");
  });
});

describe("what is not there", () => {
  test("an unknown path is 404", async () => {
    expect(await problem(await world.call("/nothing"))).toMatchObject({ code: "not_found" });
    expect(await problem(await world.call("/runs/"))).toMatchObject({ code: "not_found" });
  });

  test.each([
    ["DELETE", "/runs", "POST, GET"],
    ["POST", "/health", "GET"],
    ["PUT", `/runs/run_${"0".repeat(22)}`, "GET, DELETE"],
    ["OPTIONS", "/health", "GET"],
  ])("%s %s is 405 and names what is allowed", async (method, path, allow) => {
    const response = await world.call(path, { method });
    expect(response.headers.get("allow")).toBe(allow);
    expect(await problem(response)).toMatchObject({ code: "method_not_allowed" });
  });

  test("cancelling a run that is over is a conflict", async () => {
    const { id } = await json(world.call("/runs", { json: { prompt: "echo" } }));
    await world.firestore.doc(`runs/${id}`).update({ status: "succeeded", done: true });
    const answer = await world.call(`/runs/${id}/cancel`, { method: "POST" });
    expect(await problem(answer)).toMatchObject({ status: 409, code: "conflict" });
  }, 180_000);
});

describe("the guard in front of the framework", () => {
  const HEAD = `POST /v1/runs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n`;

  test.each([
    [
      "a chunked body",
      `${HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
      "411 Length Required",
    ],
    ["garbage", "\x01\x02garbage\r\n\r\n", "400 Bad Request"],
    ["two lengths", `${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`, "400 Bad Request"],
    ["an endless header", `GET / HTTP/1.1\r\nX: ${"a".repeat(100_000)}\r\n\r\n`, "400 Bad Request"],
  ])("%s is answered as a problem, or at least refused", async (_name, text, status) => {
    const answer = await raw(text);
    expect(answer.split("\r\n")[0]).toMatch(/^HTTP\/1\.1 4\d\d/);
    if (status.startsWith("411")) expect(answer).toContain("length_required");
  });

  test("no answer shows a stack or a header of the framework", async () => {
    const response = await post("{");
    expect(await response.text()).not.toMatch(/\n\s+at /);
    expect(response.headers.get("x-powered-by")).toBeNull();
  });
});

test("health needs no key", async () => {
  const response = await fetch(`${world.local.address.apiUrl}/health`);
  expect([response.status, await response.json()]).toEqual([200, { status: "ok" }]);
});
