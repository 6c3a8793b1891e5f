import {
  type Agent as HttpAgent,
  type IncomingMessage,
  request as requestHttp,
  type ServerResponse,
} from "node:http";
import { type Agent as HttpsAgent, request as requestHttps } from "node:https";
import { pipeline, Transform } from "node:stream";
import type { Allowed, MessagesBody } from "./allowed.ts";
import type { AnswerReader } from "./answer.ts";
import { Unreachable, unreachable } from "./unreachable.ts";

/** The model's API, and how it is reached. */
export interface Upstream {
  agent: HttpAgent | HttpsAgent;
  /** Its base address; a path in it is kept as a prefix. */
  baseUrl: string;
  /** The real key. It is sent to `baseUrl` and nowhere else. */
  apiKey: string;
}

/** Most of an answer that says how many tokens a request has. */
const MAX_COUNT_BYTES = 64 * 1024;

/** Headers of an answer that the agent's command line reads. */
const ANSWER_HEADERS =
  /^(anthropic-ratelimit-.*|content-type|request-id|retry-after|x-should-retry)$/;

/** A connection that takes longer is given up: the system itself would wait for minutes. */
const CONNECT_MS = 15_000;

/**
 * Makes a request of our own to the API. It ends when whoever waits for `response` is gone.
 *
 * @throws {Unreachable}
 */
export function send(
  { agent, apiKey, baseUrl }: Upstream,
  { path, query, headers, body }: Allowed,
  response: ServerResponse,
): Promise<IncomingMessage> {
  const content = Buffer.from(JSON.stringify(body));
  const base = new URL(baseUrl);
  const target = new URL(base.pathname.replace(/\/$/, "") + path + query, base);
  const open = target.protocol === "http:" ? requestHttp : requestHttps;
  return new Promise((resolve, reject) => {
    const upstream = open(target, {
      agent,
      method: "POST",
      headers: {
        ...headers,
        "accept-encoding": "identity",
        "content-type": "application/json",
        "content-length": content.length,
        "x-api-key": apiKey,
      },
    });
    const giveUp = () => upstream.destroy();
    response.once("close", giveUp);
    upstream.once("close", () => response.off("close", giveUp));
    upstream.once("response", resolve);
    upstream.once("upgrade", (_answer, socket) => {
      socket.destroy();
      reject(new Unreachable(baseUrl, "wants to speak another protocol"));
    });
    upstream.once("socket", (socket) => {
      if (!socket.connecting) return;
      const late = Object.assign(new Error("no connection"), { code: "ETIMEDOUT" });
      const timer = setTimeout(() => upstream.destroy(late), CONNECT_MS);
      for (const end of ["connect", "close"]) socket.once(end, () => clearTimeout(timer));
    });
    upstream.on("error", (error) => reject(unreachable(baseUrl, error)));
    upstream.once("close", () => reject(new Unreachable(baseUrl, "hung up")));
    upstream.end(content);
  });
}

/** How many tokens the API counts in a request. */
export async function countTokens(
  upstream: Upstream,
  { headers, query, body }: Allowed,
  response: ServerResponse,
): Promise<number> {
  const { max_tokens, stream, metadata, temperature, top_k, top_p, stop_sequences, ...counted } =
    body;
  const answer = await send(
    upstream,
    { path: "/v1/messages/count_tokens", query, headers, body: counted as MessagesBody },
    response,
  );
  let text = "";
  for await (const chunk of answer.setEncoding("utf8")) {
    text += chunk;
    if (text.length > MAX_COUNT_BYTES) break;
  }
  const count: unknown = answer.statusCode === 200 ? JSON.parse(text).input_tokens : undefined;
  if (Number.isSafeInteger(count)) return Number(count);
  throw new Error("The model's API does not say how many tokens the request has.");
}

/** Hands an answer to the agent, its head made anew and its body read by `reader` on its way. */
export function pass(
  response: ServerResponse,
  answer: IncomingMessage,
  { reader, atEnd = () => {} }: { reader?: AnswerReader; atEnd?(): void } = {},
): Promise<void> {
  const status = answer.statusCode ?? 0;
  const isAnswer = status === 200 || (status >= 400 && status <= 599);
  if (!isAnswer || response.destroyed) {
    answer.destroy();
    atEnd();
    throw new Error(`The model's API answered ${status}.`);
  }
  const headers = Object.entries(answer.headers).filter(([name]) => ANSWER_HEADERS.test(name));
  response.writeHead(status, Object.fromEntries(headers));
  let hasEnded = false;
  const end = (): void => {
    if (!hasEnded) atEnd();
    hasEnded = true;
  };
  const tap = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      reader?.take(chunk);
      // What it cost is known before the agent can ask for more.
      if (reader?.isOver()) end();
      next(null, chunk);
    },
    flush(done) {
      end();
      done();
    },
  });
  return new Promise((resolve) => {
    pipeline(answer, tap, response, () => {
      end();
      resolve();
    });
  });
}
