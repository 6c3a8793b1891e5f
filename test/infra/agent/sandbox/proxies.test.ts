import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders, request } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { startEgressProxy } from "../../../../infra/agent/sandbox/egress-proxy.ts";
import { startModelProxy } from "../../../../infra/agent/sandbox/model-proxy.ts";

const KEY = "sk-real";
const PLACEHOLDER = "runyard-placeholder";

interface Received {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

/** The model's API behind the proxy, which answers in two parts. */
async function startModelWorld() {
  const folder = mkdtempSync(join(tmpdir(), "runyard-proxy-"));
  const socketPath = join(folder, "model.sock");
  const received: Received[] = [];
  let release = () => {};
  const upstream = createServer(async (incoming, response) => {
    const { method, url, headers } = incoming;
    received.push({ method, url, headers, body: await text(incoming) });
    response.writeHead(200, { "content-type": "text/event-stream", "request-id": "req_1" });
    response.write("one;");
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    response.end("two");
  });
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const { port } = upstream.address() as AddressInfo;
  const proxy = await startModelProxy({
    socketPath,
    baseUrl: `http://127.0.0.1:${port}/gateway`,
    apiKey: KEY,
    placeholderKey: PLACEHOLDER,
  });
  return {
    received,
    socketPath,
    release: () => release(),
    ask: (path: string, headers: Record<string, string>, body?: string) =>
      new Promise<{
        status: number | undefined;
        text: () => Promise<string>;
        first: () => Promise<string>;
      }>((resolve, reject) => {
        const method = body === undefined ? "GET" : "POST";
        request({ socketPath, path, method, headers }, (answer) => {
          const first = () =>
            new Promise<string>((done) => {
              answer.once("data", (chunk: Buffer) => done(chunk.toString()));
            });
          resolve({ status: answer.statusCode, text: () => text(answer), first });
        })
          .once("error", reject)
          .end(body);
      }),
    async [Symbol.asyncDispose]() {
      await proxy.close();
      upstream.closeAllConnections();
      await new Promise<void>((resolve) => upstream.close(() => resolve()));
      await rm(folder, { recursive: true });
    },
  };
}

test("the model proxy adds the real key and streams both ways under the base address's path", async () => {
  await using world = await startModelWorld();
  const headers = { "x-api-key": PLACEHOLDER, authorization: "Bearer x", "anthropic-beta": "b" };
  const answer = await world.ask("/v1/messages?beta=true", headers, "body");
  expect(await answer.first()).toBe("one;");
  expect(world.received).toMatchObject([
    {
      method: "POST",
      url: "/gateway/v1/messages?beta=true",
      body: "body",
      headers: { "x-api-key": KEY, "anthropic-beta": "b" },
    },
  ]);
  expect(world.received[0]?.headers).not.toHaveProperty("authorization");
  world.release();
});

test.each([
  ["a wrong key", { path: "/v1/messages", key: "other", status: 401 }],
  ["the real key itself", { path: "/v1/messages", key: KEY, status: 401 }],
  ["no key", { path: "/v1/messages", key: "", status: 401 }],
  ["another path", { path: "/gateway", key: PLACEHOLDER, status: 404 }],
  ["a path that climbs", { path: "/v1/../admin", key: PLACEHOLDER, status: 404 }],
  ["a climb in disguise", { path: "/v1/%2e%2e%2fadmin", key: PLACEHOLDER, status: 404 }],
  ["another host", { path: "http://example.com/v1/x", key: PLACEHOLDER, status: 404 }],
])("the model proxy refuses %s and asks nobody", async (_name, { path, key, status }) => {
  await using world = await startModelWorld();
  const answer = await world.ask(path, { "x-api-key": key });
  expect(answer.status).toBe(status);
  const said = await answer.text();
  expect(JSON.parse(said)).toMatchObject({ type: "error" });
  expect(said).not.toContain(KEY);
  expect(world.received).toEqual([]);
});

test("the placeholder is also accepted as a bearer token", async () => {
  await using world = await startModelWorld();
  const answer = await world.ask("/v1/models", { authorization: `Bearer ${PLACEHOLDER}` });
  expect(answer.status).toBe(200);
  world.release();
});

test("an API that cannot be reached is an error in the API's own form", async () => {
  const folder = mkdtempSync(join(tmpdir(), "runyard-proxy-"));
  const socketPath = join(folder, "model.sock");
  const proxy = await startModelProxy({
    socketPath,
    baseUrl: "http://127.0.0.1:1",
    apiKey: KEY,
    placeholderKey: PLACEHOLDER,
  });
  const said = await new Promise<string>((resolve) => {
    const headers = { "x-api-key": PLACEHOLDER };
    request({ socketPath, path: "/v1/messages", headers }, (answer) => resolve(text(answer))).end();
  });
  expect(JSON.parse(said)).toMatchObject({ error: { type: "api_error" } });
  await proxy.close();
  await rm(folder, { recursive: true });
});

/** A proxy for `allowed.test`, whose name resolves to `address`, and a server that echoes. */
async function startEgressWorld(address: string, portToOpen?: number) {
  const folder = mkdtempSync(join(tmpdir(), "runyard-proxy-"));
  const socketPath = join(folder, "egress.sock");
  const echo = createTcpServer((socket) => void socket.on("error", () => {}).pipe(socket));
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  const { port } = echo.address() as AddressInfo;
  const opened: string[] = [];
  const resolved: string[] = [];
  const proxy = await startEgressProxy({
    socketPath,
    allowedHosts: ["Allowed.test", "169.254.169.254"],
    async resolve(host) {
      resolved.push(host);
      return [{ address, family: 4 }];
    },
    open(ip) {
      opened.push(ip);
      return connect(portToOpen ?? port, "127.0.0.1");
    },
  });
  return {
    opened,
    resolved,
    /** Sends `lines`, then `more` once something came back, and gives what came in all. */
    converse: (lines: string, more = "") =>
      new Promise<string>((resolve) => {
        const socket = connect(socketPath);
        let said = "";
        socket.setEncoding("utf8");
        socket.on("data", (chunk) => {
          if (said === "" && more !== "") socket.write(more);
          said += chunk;
          if (more !== "" && said.includes(more)) socket.destroy();
        });
        socket.once("close", () => resolve(said));
        socket.write(lines);
      }),
    async [Symbol.asyncDispose]() {
      await proxy.close();
      await new Promise<void>((resolve) => echo.close(() => resolve()));
      await rm(folder, { recursive: true });
    },
  };
}

const connectTo = (target: string) => `CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n\r\n`;

test("an allowed host is reached through the address that was checked", async () => {
  await using world = await startEgressWorld("1.2.3.4");
  const said = await world.converse(connectTo("ALLOWED.test:443"), "ping");
  expect(said).toMatch(/^HTTP\/1.1 200 .*\r\n\r\nping$/s);
  expect(world.opened).toEqual(["1.2.3.4"]);
});

test.each([
  ["another host", "other.test:443", "other.test is not among the run's allowedHosts."],
  ["a sub-domain", "sub.allowed.test:443", "is not among the run's allowedHosts."],
  ["another port", "allowed.test:80", "Only port 443"],
  ["no port", "allowed.test", "Only port 443"],
])("the egress proxy refuses %s", async (_name, target, reason) => {
  await using world = await startEgressWorld("1.2.3.4");
  const said = await world.converse(connectTo(target));
  expect(said).toMatch(/^HTTP\/1.1 403 /);
  expect(said).toContain(reason);
  expect([world.opened, world.resolved]).toEqual([[], []]);
});

test.each(["127.0.0.1", "169.254.169.254", "10.1.2.3", "::1", "::ffff:169.254.169.254"])(
  "an allowed name that points to %s leads nowhere",
  async (address) => {
    await using world = await startEgressWorld(address);
    const said = await world.converse(connectTo("allowed.test:443"));
    expect(said).toMatch(/^HTTP\/1.1 403 .*has no public address/s);
    expect(world.opened).toEqual([]);
  },
);

test("a host that does not answer is told as such", async () => {
  await using world = await startEgressWorld("1.2.3.4", 1);
  const said = await world.converse(connectTo("allowed.test:443"));
  expect(said).toMatch(/^HTTP\/1.1 504 .*The host did not answer/s);
});

test("plain HTTP is refused with a reason", async () => {
  await using world = await startEgressWorld("1.2.3.4");
  const said = await world.converse(
    "GET http://allowed.test/ HTTP/1.1\r\nhost: allowed.test\r\n\r\n",
  );
  expect(said).toMatch(/^HTTP\/1.1 403 .*Only HTTPS leaves the sandbox/s);
});
