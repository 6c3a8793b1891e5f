import { timingSafeEqual } from "node:crypto";
import {
  createServer,
  Agent as HttpAgent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { listenOnSocket, type RunningProxy } from "../sandbox/unix-server.ts";
import {
  type Allowed,
  allowedBody,
  allowedHeaders,
  allowedTarget,
  BudgetSpent,
  Refusal,
} from "./allowed.ts";
import { readAnswer } from "./answer.ts";
import { type Bound, boundOf, costOfAnswer, withinBudget } from "./budget.ts";
import { BROKEN_OFF, type PassedRecord } from "./passed.ts";
import type { Price } from "./prices.ts";
import type { Spending } from "./spending.ts";
import { Unreachable } from "./unreachable.ts";
import { countTokens, pass, send, type Upstream } from "./upstream.ts";
import type { Tokens } from "./usage.ts";

export interface ModelProxyOptions extends Omit<Upstream, "agent"> {
  /** Where to listen: the path of a unix socket. */
  socketPath: string;
  /** What the agent uses as its key, worth nothing elsewhere. */
  placeholderKey: string;
  spending: Spending;
  /** Undefined: of a model without a price nothing is known, and it is refused. */
  priceOf(model: string): Price | undefined;
  passed: PassedRecord;
  /** Is told of every answer that counted: what of its tokens is known. */
  onTokens(tokens: Tokens): void;
  /** Is told of the head of every answer. */
  onAnswer(answer: IncomingMessage): void;
  /** Is told of a request that the API gave no answer to. */
  onUnreachable(error: Unreachable): void;
  /** Is told of a request that was refused. */
  onRefused(refusal: Refusal): void;
}

const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  502: "api_error",
};

/**
 * The API's own bound on a request, and what all requests that are being read may hold together.
 */
const MAX_BODY_BYTES = 32 * 1024 * 1024;
const MAX_WAITING_BYTES = 128 * 1024 * 1024;
/** A request comes from the same machine. */
const REQUEST_TIMEOUT_MS = 60_000;
const MAX_CONNECTIONS = 256;
/**
 * Stands between the sandboxed agent and the model's API, and has the key.
 *
 * Nothing is forwarded: each request is read whole, checked, priced and made anew, and so is the
 * head of each answer, whose body is read while it passes. A request that could cost more than is
 * left of the run's budget is refused.
 */
export async function startModelProxy(options: ModelProxyOptions): Promise<RunningProxy> {
  const agent = options.baseUrl.startsWith("http:")
    ? new HttpAgent({ keepAlive: true })
    : new HttpsAgent({ keepAlive: true });
  const proxy: Proxy = { ...options, agent, waitingBytes: 0 };
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    converse(proxy, request, response).catch((error: unknown) =>
      refuse(proxy, { request, response }, error),
    );
  });
  server.maxConnections = MAX_CONNECTIONS;
  const running = await listenOnSocket(server, options.socketPath);
  const close = async (): Promise<void> => {
    await running.close();
    agent.destroy();
  };
  return { close, [Symbol.asyncDispose]: close };
}

interface Proxy extends ModelProxyOptions, Upstream {
  waitingBytes: number;
}

async function converse(
  proxy: Proxy,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!carries(request.headers, proxy.placeholderKey)) {
    throw new Refusal(401, "This is not the run's key.");
  }
  const target = allowedTarget(request.method, request.url);
  const headers = allowedHeaders(request.headers);
  const body = allowedBody(await readBody(proxy, request));
  const allowed: Allowed = { ...target, headers, body };
  if (allowed.path !== "/v1/messages") {
    return pass(response, await send(proxy, allowed, response));
  }
  const price = proxy.priceOf(body.model);
  if (price === undefined) {
    throw new Refusal(400, `The model ${body.model} has no price here, so it is not for agents.`);
  }
  const bound = await reserve(proxy, { allowed, price, response });
  await sendCounted(proxy, { ...allowed, body: bound.body }, { bound, price, response });
}

/** Sends a request whose cost is set aside, and counts what it really was. */
async function sendCounted(
  proxy: Proxy,
  allowed: Allowed,
  { bound, price, response }: { bound: Reserved; price: Price; response: ServerResponse },
): Promise<void> {
  let answer: IncomingMessage;
  try {
    answer = await send(proxy, allowed, response);
  } catch (error) {
    // Who hung up may have been served all the same.
    bound.settle(response.destroyed ? bound.usd : 0);
    throw error;
  }
  proxy.onAnswer(answer);
  const stranger = strangerOf(proxy, answer);
  if (stranger !== undefined) proxy.onUnreachable(stranger);
  if (answer.statusCode !== 200) {
    proxy.passed.addError(answer.statusCode ?? BROKEN_OFF);
    // An error costs nothing; of an answer in another form nobody knows.
    bound.settle((answer.statusCode ?? 0) >= 400 ? 0 : bound.usd);
    return pass(response, answer);
  }
  proxy.passed.addTold(allowed.body["messages"]);
  const reader = readAnswer(String(answer.headers["content-type"] ?? ""));
  const count = () => {
    const said = reader.end();
    const { usd, tokens } = costOfAnswer(said, bound, price);
    bound.settle(usd);
    if (tokens) proxy.onTokens(tokens);
    if (said.isWhole) proxy.passed.add(said.content);
    else proxy.passed.addError(BROKEN_OFF);
    if (said.stopReason !== undefined) proxy.passed.addStopReason(said.stopReason);
  };
  await pass(response, answer, { reader, atEnd: count });
}

/**
 * The API's own refusals are JSON: anything else comes from whoever is at its address, or before
 * it.
 */
function strangerOf(
  { baseUrl }: Proxy,
  { statusCode = 0, headers: { "content-type": type = "" } }: IncomingMessage,
): Unreachable | undefined {
  if (statusCode === 200 || statusCode === 429 || /^application\/json\b/i.test(type))
    return undefined;
  const what = type === "" ? "" : ` with ${type.slice(0, 100)}`;
  return new Unreachable(baseUrl, `answered ${statusCode}${what}, as the API does not`);
}

interface Reserved extends Bound {
  settle(usd: number): void;
}

/**
 * Sets aside the most that a request can cost, and lowers its `max_tokens` to what is left.
 *
 * The bytes of a request bound its tokens, loosely. Only where that bound does not fit the API is
 * asked how many they are, which costs nothing but time. While others have so much set aside that
 * only a short answer could be paid, it waits for them.
 *
 * @throws {BudgetSpent}
 */
async function reserve(
  proxy: Proxy,
  { allowed, price, response }: { allowed: Allowed; price: Price; response: ServerResponse },
): Promise<Reserved> {
  const { spending } = proxy;
  const loose = boundOf(allowed.body, price);
  let tokens: number | undefined;
  for (;;) {
    const settleLoose = loose && (await spending.reserve(loose.usd));
    if (loose && settleLoose) return { ...loose, settle: settleLoose };
    tokens ??= await countTokens(proxy, allowed, response);
    const isAlone = !spending.isWaiting();
    const bound = withinBudget(allowed.body, { tokens, price, leftUsd: spending.left(), isAlone });
    const settle = bound && (await spending.reserve(bound.usd));
    if (bound && settle) return { ...bound, settle };
    if (isAlone) throw new BudgetSpent(spending);
    await Promise.race([spending.nextSettled(), goneOf(response)]);
  }
}

/** Rejects when nobody waits for the answer any more. */
function goneOf(response: ServerResponse): Promise<never> {
  return new Promise((_, reject) => {
    const isGone = () => reject(new Error("Nobody waits for the answer."));
    if (response.destroyed) isGone();
    else response.once("close", isGone);
  });
}

/** The whole body, within the bounds of one and of all. */
async function readBody(proxy: Proxy, request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      proxy.waitingBytes += chunk.length;
      if (bytes > MAX_BODY_BYTES || proxy.waitingBytes > MAX_WAITING_BYTES) {
        throw new Refusal(413, `Requests have at most ${MAX_BODY_BYTES} bytes.`);
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString();
  } finally {
    proxy.waitingBytes -= bytes;
  }
}

function carries(headers: IncomingHttpHeaders, key: string): boolean {
  const bearer = headers.authorization?.replace(/^Bearer /i, "");
  const given = Buffer.from(String(headers["x-api-key"] ?? bearer ?? ""));
  const wanted = Buffer.from(key);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/**
 * Answers with an error in the form of the API itself, so that the agent's command line understands
 * it.
 */
function refuse(
  { onRefused, onUnreachable, passed }: Proxy,
  { request, response }: { request: IncomingMessage; response: ServerResponse },
  error: unknown,
): void {
  const [status, message] =
    error instanceof Refusal
      ? [error.status, error.message]
      : [502, error instanceof Error ? error.message : "The model's API could not be reached."];
  if (error instanceof Refusal) onRefused(error);
  // Whoever hangs up, or has another key, has heard of no error of the API.
  if (status !== 401 && !response.destroyed) passed.addError(status);
  if (error instanceof Unreachable && !response.destroyed) onUnreachable(error);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const answer = (): void => {
    const body = JSON.stringify({ type: "error", error: { type: ERROR_TYPES[status], message } });
    response.writeHead(status, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      connection: "close",
    });
    response.end(body);
  };
  // Who is still sending reads nothing.
  if (request.complete || request.destroyed) answer();
  else request.once("end", answer).resume();
}
