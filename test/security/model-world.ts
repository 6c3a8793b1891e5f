import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ModelAccess, openModelAccess } from "../../infra/agent/model/access.ts";
import { type Prices, readPrices } from "../../infra/agent/model/prices.ts";
import type { SpendingStore } from "../../infra/agent/model/spending.ts";
import { systemClock } from "../../shared/clock.ts";
import type { AgentEvent } from "../../shared/documents/event.ts";

export const KEY = "sk-ant-the-real-key-that-nobody-may-see";

/** A request as it arrived at the model's API, byte for byte. */
interface Arrived {
  line: string;
  headers: Record<string, string>;
  body: string;
  /**
   * It has exactly the form of the proxy's own requests, and no byte follows it that is not one.
   */
  isPlain: boolean;
}

/** Answers to requests for a message; raw, head and all. */
type AnswerOf = (arrived: Arrived) => string | undefined;

export interface ModelWorld extends AsyncDisposable {
  access: ModelAccess;
  arrived: Arrived[];
  /** Bytes that arrived and were no request. */
  strays: string[];
  events: AgentEvent[];
  store: Map<string, number>;
  socketPath: string;
  /**
   * Sends bytes as they are and resolves with all that comes back until the proxy hangs up, or
   * falls silent.
   */
  sendRaw(bytes: string | Buffer, options?: { silenceMs?: number }): Promise<string>;
  /** Sends one request, well formed. */
  ask(request: AskOptions): Promise<{ status: number; body: string }>;
}

interface AskOptions {
  method?: string;
  path?: string;
  key?: string;
  headers?: Record<string, string>;
  body?: unknown;
}

const HEAD = /^(\S+ \S+ HTTP\/1\.1)\r\n((?:[^\r\n]+\r\n)+)\r\n/;
const LINE = /^POST \/gateway\/v1\/messages(\/count_tokens)?(\?beta=true)? HTTP\/1\.1$/;
/** The only headers that requests of the proxy have. */
const OWN_HEADERS = new Set([
  "accept-encoding",
  "anthropic-beta",
  "anthropic-version",
  "connection",
  "content-length",
  "content-type",
  "host",
  "user-agent",
  "x-api-key",
]);

/** The first request of what arrived, if it is there as a whole, and what comes behind it. */
function takeRequest(text: string): { request: Arrived; rest: string } | undefined {
  const [head, line = "", fields = ""] = HEAD.exec(text) ?? [];
  if (head === undefined) return undefined;
  const headers = Object.fromEntries(
    fields
      .trim()
      .split("\r\n")
      .map((field) => field.split(": ", 2) as [string, string])
      .map(([name, value]) => [name.toLowerCase(), value]),
  );
  const end = head.length + Number(headers["content-length"]);
  if (!(text.length >= end)) return undefined;
  const isPlain = LINE.test(line) && headers["x-api-key"] === KEY;
  const body = text.slice(head.length, end);
  const isOwn = Object.keys(headers).every((name) => OWN_HEADERS.has(name));
  return { request: { line, headers, body, isPlain: isPlain && isOwn }, rest: text.slice(end) };
}

/** A message as the API answers it, of so many tokens. */
export function messageAnswer(
  usage: object,
  content: object[] = [{ type: "text", text: "Yes." }],
): string {
  const body = JSON.stringify({ id: "msg_1", type: "message", role: "assistant", content, usage });
  return answer(body);
}

export const answer = (body: string, status = "200 OK", type = "application/json"): string =>
  `HTTP/1.1 ${status}\r\ncontent-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

/** Spending in memory. */
export function memoryStore(store: Map<string, number>, earlierUsd = 0): SpendingStore {
  return {
    earlierUsd: async () => earlierUsd,
    raise: async (step, usd) => void store.set(`step ${step}`, usd),
  };
}

/**
 * The model's proxy with an API behind it that takes nothing for granted: it reads bytes, not
 * requests.
 */
export async function startModelWorld({
  budgetUsd = 5,
  ownerBudgetUsd,
  earlierUsd = 0,
  prices = readPrices(undefined),
  countedTokens = 10,
  answerOf = () => messageAnswer({ input_tokens: 10, output_tokens: 10 }),
}: {
  budgetUsd?: number;
  ownerBudgetUsd?: number;
  earlierUsd?: number;
  prices?: Prices;
  countedTokens?: number;
  answerOf?: AnswerOf;
} = {}): Promise<ModelWorld> {
  const folder = mkdtempSync(join(tmpdir(), "runyard-model-"));
  const socketPath = join(folder, "model.sock");
  const arrived: Arrived[] = [];
  const strays: string[] = [];
  const events: AgentEvent[] = [];
  const store = new Map<string, number>();
  const sockets = new Set<Socket>();
  const upstream = createServer((socket) => {
    sockets.add(socket);
    let text = "";
    const take = (chunk: Buffer): void => {
      text += chunk.toString("latin1");
      for (let found = takeRequest(text); found !== undefined; found = takeRequest(text)) {
        text = found.rest;
        arrived.push(found.request);
        const reply = found.request.line.includes("/count_tokens")
          ? answer(JSON.stringify({ input_tokens: countedTokens }))
          : answerOf(found.request);
        if (reply === undefined) socket.destroy();
        else socket.write(Buffer.from(reply, "latin1"));
      }
    };
    socket.on("data", take).on("error", () => {});
    socket.once("close", () => {
      sockets.delete(socket);
      if (text !== "") strays.push(text);
    });
  });
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const { port } = upstream.address() as { port: number };
  const access = await openModelAccess({
    socketPath,
    baseUrl: `http://127.0.0.1:${port}/gateway`,
    apiKey: KEY,
    prices,
    budgetUsd,
    ownerBudgetUsd,
    store: memoryStore(store, earlierUsd),
    clock: systemClock,
    hide: (text) => text,
    onEvent: (event) => void events.push(event),
  });
  const conversing = await access.open();
  const sendRaw: ModelWorld["sendRaw"] = (bytes, { silenceMs = 300 } = {}) =>
    new Promise((resolve) => {
      let text = "";
      const socket = connect(socketPath);
      socket.setTimeout(silenceMs, () => socket.destroy());
      socket.on("data", (chunk) => {
        text += chunk.toString("latin1");
      });
      socket.on("error", () => {});
      socket.once("close", () => resolve(text));
      socket.write(bytes);
    });
  return {
    access,
    arrived,
    strays,
    events,
    store,
    socketPath,
    sendRaw,
    async ask({ method = "POST", path = "/v1/messages", key, headers = {}, body }) {
      const content = typeof body === "string" ? body : JSON.stringify(body ?? REQUEST);
      const fields = Object.entries({
        host: "model",
        "x-api-key": key ?? access.placeholderKey,
        "content-type": "application/json",
        "content-length": String(Buffer.byteLength(content)),
        connection: "close",
        ...headers,
      }).map(([name, value]) => `${name}: ${value}\r\n`);
      const head = `${method} ${path} HTTP/1.1\r\n${fields.join("")}\r\n`;
      const said = await sendRaw(head + content, { silenceMs: 5_000 });
      const [, status = "0"] = /^HTTP\/1\.1 (\d+)/.exec(said) ?? [];
      return { status: Number(status), body: said.slice(said.indexOf("\r\n\r\n") + 4) };
    },
    async [Symbol.asyncDispose]() {
      await conversing[Symbol.asyncDispose]();
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => upstream.close(() => resolve()));
      await rm(folder, { recursive: true });
    },
  };
}

/** What an agent asks its model, at its shortest. */
export const REQUEST = {
  model: "claude-opus-5-5",
  max_tokens: 100,
  messages: [{ role: "user", content: "Do you hear me?" }],
};
