import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { createClient } from "../../client/client.ts";
import type { Run } from "../../client/types.ts";

const RUN = { id: "run_1", done: false } as Run;
const EVENT = { id: "1-000001", event: { type: "text", text: "a" } };

/** One request as the server saw it. */
interface Seen {
  path: string;
  key: string | undefined;
  lastEventId: string | undefined;
}

/**
 * A server that answers the first request with the first of these, and so on; the last one stays.
 */
async function serverOf(...answers: RequestListener[]) {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const { headers, url: path = "" } = request;
    const answer = answers[Math.min(seen.length, answers.length - 1)];
    const lastEventId = headers["last-event-id"] as string | undefined;
    seen.push({ path, key: headers["idempotency-key"] as string | undefined, lastEventId });
    answer?.(request, response);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return {
    seen,
    client: createClient({ url, key: "key", retries: 2, retryDelayMs: 5 }),
    async [Symbol.asyncDispose]() {
      server.close().closeAllConnections();
    },
  };
}

const answer =
  (status: number, body: unknown, headers = {}): RequestListener =>
  (_request, response) => {
    const type = status < 400 ? "application/json" : "application/problem+json";
    response.writeHead(status, { "content-type": type, ...headers }).end(JSON.stringify(body));
  };
const problem = (status: number, code: string, headers = {}) =>
  answer(status, { code, status, detail: `it is ${code}` }, headers);
const breakOff: RequestListener = (request) => request.socket.destroy();
const stream =
  (text: string): RequestListener =>
  (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" }).end(`retry: 1\n\n${text}`);
  };
const message = (type: string, data: { id?: string }) =>
  `event: ${type}\n${data.id ? `id: ${data.id}\n` : ""}data: ${JSON.stringify(data)}\n\n`;

describe("a request that may be repeated", () => {
  test.each([
    ["a connection that breaks", breakOff],
    ["503", problem(503, "unavailable")],
    ["429 that says when", problem(429, "rate_limited", { "retry-after": "0" })],
  ])("goes again after %s, with the same Idempotency-Key", async (_name, failure) => {
    await using server = await serverOf(failure, answer(202, RUN));
    expect(await server.client.runs.create({ prompt: "a" })).toEqual(RUN);
    const keys = server.seen.map(({ key }) => key);
    expect(keys).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/), keys[0]]);
  });

  test("goes so often and no more", async () => {
    await using server = await serverOf(problem(503, "unavailable"));
    await expect(server.client.runs.get("a")).rejects.toMatchObject({ code: "unavailable" });
    expect(server.seen).toHaveLength(3);
  });

  test("does not wait for an hour", async () => {
    await using server = await serverOf(problem(429, "rate_limited", { "retry-after": "3600" }));
    const refused = server.client.runs.get("a");
    await expect(refused).rejects.toMatchObject({ retryAfterSeconds: 3600 });
    expect(server.seen).toHaveLength(1);
  });

  test("waits no longer than its signal", async () => {
    await using server = await serverOf(problem(503, "unavailable", { "retry-after": "50" }));
    const controller = new AbortController();
    const refused = server.client.runs.get("a", { signal: controller.signal });
    setTimeout(() => controller.abort(new Error("enough")), 50);
    await expect(refused).rejects.toThrow("enough");
  });
});

test("a refusal for good is not repeated", async () => {
  await using server = await serverOf(problem(409, "conflict"));
  await expect(server.client.runs.cancel("a")).rejects.toMatchObject({
    code: "conflict",
    status: 409,
    detail: "it is conflict",
    message: "conflict (409): it is conflict",
  });
  expect(server.seen).toHaveLength(1);
});

test("a change that depends on what was read is sent once: a second one would be refused", async () => {
  await using server = await serverOf(breakOff);
  const lost = server.client.agents.patch({ id: "a", revision: 1 }, {});
  await expect(lost).rejects.toThrow("fetch failed");
  expect(server.seen).toHaveLength(1);
});

test("an answer of something in between is told as that", async () => {
  const html = answer(502, "<html>", { "content-type": "text/html" });
  await using server = await serverOf(html);
  await expect(server.client.health()).rejects.toMatchObject({ code: "unknown", status: 502 });
});

test("ids and names are escaped, and the slashes of a name are kept", async () => {
  await using server = await serverOf(answer(200, {}));
  await server.client.runs.artifact("../a", "session/b c?.json");
  expect(server.seen[0]?.path).toBe("/v1/runs/..%2Fa/artifacts/session/b%20c%3F.json");
});

describe("events", () => {
  test("go on after the last one when the stream breaks off, and end at done", async () => {
    const half = stream(message("text", EVENT));
    const rest = stream(message("text", { ...EVENT, id: "1-000002" }) + message("done", {}));
    await using server = await serverOf(half, breakOff, rest);
    const events = await Array.fromAsync(server.client.follow("a"));
    expect(events.map(({ id }) => id)).toEqual(["1-000001", "1-000002"]);
    const lastIds = server.seen.map(({ lastEventId }) => lastEventId);
    expect(lastIds).toEqual([undefined, "1-000001", "1-000001"]);
  });

  test("of a connection that dies in the middle of one are each told once", async () => {
    const dying: RequestListener = (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      const half = `event: text\nid: 1-000002\ndata: {"half`;
      response.write(`retry: 1\n\n${message("text", EVENT)}${half}`, () => response.destroy());
    };
    const rest = stream(message("text", { ...EVENT, id: "1-000002" }) + message("done", {}));
    await using server = await serverOf(dying, rest);
    const events = await Array.fromAsync(server.client.follow("a"));
    expect(events.map(({ id }) => id)).toEqual(["1-000001", "1-000002"]);
  });

  test("are not waited for without end when streams say nothing", async () => {
    await using server = await serverOf(stream(""));
    await expect(Array.fromAsync(server.client.follow("a"))).rejects.toThrow("broke off 5 times");
  });

  test("are waited for as long as streams are alive, of a run that waits for a slot too", async () => {
    const alive = [": heartbeat\n\n", message("queue", {})].flatMap((text) =>
      Array(3).fill(stream(text)),
    );
    const first = stream(message("text", EVENT));
    const last = stream(message("text", { ...EVENT, id: "1-000002" }) + message("done", {}));
    await using server = await serverOf(first, ...alive, last);
    const events = await Array.fromAsync(server.client.follow("a"));
    expect(events.map(({ id }) => id)).toEqual(["1-000001", "1-000002"]);
    expect(server.seen.at(-1)?.lastEventId).toBe("1-000001");
  });

  test("go on after a stream that says nothing any longer, as of a connection that is dead", async () => {
    const open: RequestListener = (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(`retry: 1\n\n${message("text", EVENT)}`);
    };
    const rest = stream(message("text", { ...EVENT, id: "1-000002" }) + message("done", {}));
    await using server = await serverOf(open, rest);
    const events = await Array.fromAsync(server.client.follow("a", { silenceMs: 200 }));
    expect(events.map(({ id }) => id)).toEqual(["1-000001", "1-000002"]);
    expect(server.seen.at(-1)?.lastEventId).toBe("1-000001");
  });

  test("tell at once of a connection that is lost, and of one that is there again", async () => {
    const half = stream(message("text", EVENT));
    const dying: RequestListener = (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("retry: 1\n\n: heartbeat\n\n", () => response.destroy());
    };
    const last = stream(message("done", {}));
    await using server = await serverOf(half, breakOff, dying, last);
    const told: boolean[] = [];
    const onConnection = (isThere: boolean) => void told.push(isThere);
    await Array.fromAsync(server.client.follow("a", { onConnection }));
    expect(told).toEqual([true, false, true, false, true]);
  });

  test("tell of a stream that says nothing, and of one that says something again", async () => {
    const silent: RequestListener = (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(message("text", EVENT));
      const again = ": heartbeat\n\n";
      const rest = `${message("text", { ...EVENT, id: "1-000002" })}${message("done", {})}`;
      told.push("silent");
      setTimeout(() => response.write(again), 3000);
      setTimeout(() => response.end(rest), 3100);
    };
    const told: (boolean | string)[] = [];
    await using server = await serverOf(silent);
    const onConnection = (isThere: boolean) => void told.push(isThere);
    const events = await Array.fromAsync(server.client.follow("a", { onConnection }));
    expect(events).toHaveLength(2);
    expect(told).toEqual(["silent", true, false, true]);
    expect(server.seen).toHaveLength(1);
  });

  test("are not taken for silent while they wait for who reads them", async () => {
    const both = `${message("text", EVENT)}${message("text", { ...EVENT, id: "1-000002" })}`;
    await using server = await serverOf(stream(`${both}${message("done", {})}`));
    const told: boolean[] = [];
    const onConnection = (isThere: boolean) => void told.push(isThere);
    const ids: string[] = [];
    for await (const { id } of server.client.follow("a", { onConnection, silenceMs: 50 })) {
      ids.push(id);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(ids).toEqual(["1-000001", "1-000002"]);
    expect(server.seen).toHaveLength(1);
    expect(told).toEqual([true]);
  });

  test("end with their signal", async () => {
    const open: RequestListener = (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(message("text", EVENT));
    };
    await using server = await serverOf(open);
    const controller = new AbortController();
    const follow = async () => {
      const { signal } = controller;
      for await (const _ of server.client.follow("a", { signal }))
        controller.abort(new Error("enough"));
    };
    await expect(follow()).rejects.toThrow("enough");
    expect(server.seen).toHaveLength(1);
  });
});
