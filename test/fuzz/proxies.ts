import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { startEgressProxy } from "../../infra/agent/sandbox/egress-proxy.ts";
import { REQUEST, startModelWorld } from "../security/model-world.ts";
import { hostileReads, startRepository } from "./repository-proxy.ts";

export interface ProxyFigures {
  connections: number;
  seconds: number;
  /** Requests that reached the model's API, each made by the proxy itself. */
  forwarded: number;
  /** Tunnels to the one allowed host. */
  tunnels: number;
  /** Requests for the one repository. */
  reads: number;
}

const CONNECTIONS_AT_ONCE = 32;
/** Nothing takes longer than this: whoever waits longer hangs. */
const HANG_MS = 20_000;
const ALLOWED_HOST = "allowed.test";
const PUBLIC_ADDRESS = "93.184.215.14";

/**
 * Sends malformed and hostile HTTP/1.1 to the proxies of the sandbox. Behind the model's and the
 * repository's there are servers that know each request of the proxy's own; behind the third
 * nothing but what it was allowed to open may be opened.
 *
 * @param options.connections rounded up to whole batches of 32
 * @param options.seed the same one sends the same bytes
 * @throws {Error} with the bytes that got something through
 */
export async function fuzzProxies(options: {
  connections: number;
  seed: number;
}): Promise<ProxyFigures> {
  await using model = await startModelWorld({ budgetUsd: 1_000_000 });
  const folder = dirname(model.socketPath);
  await using egress = await startEgress(join(folder, "egress.sock"));
  await using repository = await startRepository(join(folder, "repository.sock"));
  const sockets = {
    model: model.socketPath,
    egress: egress.socketPath,
    repository: repository.socketPath,
  };
  const key = model.access.placeholderKey;
  const batches = Math.ceil(options.connections / CONNECTIONS_AT_ONCE);
  const [startMs, cases] = [Date.now(), fc.array(hostileBytes(key), EXACTLY)];
  const property = fc.asyncProperty(cases, async (batch) => {
    await Promise.all(
      batch.map(({ proxy, bytes }) => send(sockets[proxy], bytes, proxy === "repository")),
    );
    const foreign = model.arrived.find(({ isPlain }) => !isPlain);
    const others = egress.faults[0] ?? repository.faults[0];
    const got = model.strays[0] ?? (foreign && JSON.stringify(foreign)) ?? others;
    if (got === undefined) return;
    const sent = batch.map(({ bytes }) => JSON.stringify(bytes.toString("latin1"))).join("\n");
    throw new Error(`got through: ${got}\nby one of:\n${sent}`);
  });
  const run = { numRuns: batches, seed: options.seed, endOnFailure: true };
  const { errorInstance } = await fc.check(property, run);
  if (errorInstance !== null) throw errorInstance;
  const figures = {
    connections: batches * CONNECTIONS_AT_ONCE,
    seconds: (Date.now() - startMs) / 1000,
    forwarded: model.arrived.length,
    tunnels: egress.tunnels(),
    reads: repository.reads(),
  };
  if (figures.forwarded === 0) throw new Error("no request reached the model's API");
  if (figures.tunnels === 0) throw new Error("no tunnel was opened");
  if (figures.reads === 0) throw new Error("no request reached the repository's host");
  return figures;
}

const EXACTLY = { minLength: CONNECTIONS_AT_ONCE, maxLength: CONNECTIONS_AT_ONCE };

async function startEgress(socketPath: string) {
  const faults: string[] = [];
  let tunnels = 0;
  const host = createServer((socket) => void socket.on("error", () => {}).resume());
  await new Promise<void>((resolve) => host.listen(0, "127.0.0.1", resolve));
  const { port } = host.address() as AddressInfo;
  const proxy = await startEgressProxy({
    socketPath,
    allowedHosts: [ALLOWED_HOST],
    async resolve(name) {
      if (name !== ALLOWED_HOST) faults.push(`the name ${name} was resolved`);
      return [
        { address: "169.254.169.254", family: 4 },
        { address: PUBLIC_ADDRESS, family: 4 },
      ];
    },
    open(address): Socket {
      tunnels += 1;
      if (address !== PUBLIC_ADDRESS) faults.push(`${address} was opened`);
      return connect(port, "127.0.0.1");
    },
  });
  return {
    socketPath,
    faults,
    tunnels: () => tunnels,
    async [Symbol.asyncDispose]() {
      await proxy.close();
      await new Promise<void>((resolve) => host.close(() => resolve()));
    },
  };
}

/** How long one is waited for that asks for something and may get nothing. */
const SILENCE_MS = 100;

/**
 * Sends bytes and waits until the proxy hangs up.
 *
 * @param waits whether the end of what is sent would be the end of what is asked for
 */
function send(socketPath: string, bytes: Buffer, waits: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`hangs: ${JSON.stringify(bytes.toString("latin1"))}`));
    }, HANG_MS);
    socket.on("error", () => {}).resume();
    socket.once("close", () => {
      clearTimeout(timer);
      clearTimeout(silence);
      resolve();
    });
    const silence = setTimeout(() => socket.end(), SILENCE_MS);
    if (!waits) return void socket.end(bytes);
    socket.once("data", () => socket.end()).write(bytes);
  });
}

interface HostileBytes {
  proxy: "model" | "egress" | "repository";
  bytes: Buffer;
}

/** Mostly what is in order, else one of the others. */
const mostly = (good: string, ...others: string[]): fc.Arbitrary<string> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(good) }, fc.constantFrom(...others));

const line = mostly("\r\n", "\n", "\r", "\r\n ", "\0\r\n");
const method = mostly("POST", "GET", "DELETE", "OPTIONS", "TRACE", "CONNECT", "post", "P\x0bOST");
const target = mostly(
  "/v1/messages",
  "/v1/messages?beta=true",
  "/v1/messages/count_tokens",
  "/v1/files",
  "/v1/messages/batches",
  "http://model/v1/messages",
  "/v1/messages/../files",
  "*",
  "/v1/messages HTTP/1.1\r\nx: ",
);
const version = mostly("HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/1.1 ", "http/1.1");
const framing = mostly(
  "content-length: {n}",
  "content-length: 0",
  "content-length: +{n}",
  "content-length: {n}, {n}",
  "content-length: 0x10",
  "Content-Length : {n}",
  "transfer-encoding: chunked",
  "transfer-encoding: xchunked",
  "transfer-encoding:\tchunked",
  "transfer-encoding: chunked, chunked",
  "connection: content-length",
  "connection: keep-alive",
  "connection: close, x-api-key, transfer-encoding",
  "expect: 100-continue",
  "upgrade: h2c",
  "trailer: x-api-key",
  "te: trailers",
);
const tunnelTarget = mostly(
  "allowed.test:443",
  "ALLOWED.test.:443",
  "allowed.test:80",
  "other.test:443",
  "169.254.169.254:443",
  "[::1]:443",
  "allowed.test:443@other.test:443",
  "allowed.test\0.other.test:443",
  "other.test:443#allowed.test:443",
  "allowed.test:443/",
  "user@allowed.test:443",
  "allowed.test:00443",
  "127.1:443",
);

/**
 * A request, in order or out of it, some of its bytes changed, and another one hidden in it or
 * behind it.
 */
function hostileBytes(key: string): fc.Arbitrary<HostileBytes> {
  const conversation = fc.record({
    start: fc.tuple(method, target, version).map((parts) => parts.join(" ")),
    end: line,
    framing: fc.oneof(fc.tuple(framing), fc.array(framing, { minLength: 1, maxLength: 3 })),
    body: fc.constantFrom(
      JSON.stringify(REQUEST),
      JSON.stringify(REQUEST),
      JSON.stringify({ ...REQUEST, stream: true, spend: 1 }),
      `GET /v1/files HTTP/1.1\r\nx-api-key: ${key}\r\n\r\n`,
      `5\r\nhello\r\n0\r\n\r\n`,
      `0\r\n\r\nPOST /v1/files HTTP/1.1\r\nx-api-key: ${key}\r\ncontent-length: 0\r\n\r\n`,
    ),
    behind: fc.constantFrom("", "", `DELETE /v1/files/x HTTP/1.1\r\nx-api-key: ${key}\r\n\r\n`),
  });
  const model = conversation.map(({ start, end, framing: fields, body, behind }) => {
    const lengths = fields.map((field) => field.replaceAll("{n}", String(body.length)));
    const head = [start, "host: model", `x-api-key: ${key}`, ...lengths, "", ""].join(end);
    return { proxy: "model" as const, text: head + body + behind };
  });
  const egress = fc
    .tuple(fc.constantFrom("CONNECT", "CONNECT", "CONNECT", "GET", "POST"), tunnelTarget, line)
    .map(([verb, to, end]) => ({
      proxy: "egress" as const,
      text: [`${verb} ${to} HTTP/1.1`, `host: ${to}`, "", ""].join(end),
    }));
  const repository = hostileReads.map((text) => ({ proxy: "repository" as const, text }));
  const change = fc.tuple(fc.nat(400), fc.integer({ min: 0, max: 255 }));
  return fc
    .tuple(
      fc.oneof(model, model, egress, repository),
      fc.oneof(fc.constant([]), fc.array(change, { maxLength: 3 })),
    )
    .map(([{ proxy, text }, changes]) => {
      const bytes = Buffer.from(text, "latin1");
      for (const [place, byte] of changes) if (place < bytes.length) bytes[place] = byte;
      return { proxy, bytes };
    });
}
