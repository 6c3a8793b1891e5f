import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { unreachable } from "./failure.ts";
import { explained, type Session } from "./session.ts";
import { jsonLine } from "./terminal.ts";

/** A message of JSON-RPC 2.0, as far as it is looked at here. */
interface Message {
  id?: unknown;
  method?: string;
  params?: {
    _meta?: Record<string, unknown>;
    name?: unknown;
    uri?: unknown;
    requestId?: unknown;
    protocolVersion?: unknown;
  };
  result?: { protocolVersion?: string };
}

/** JSON-RPC: what came is no JSON; and a code of a server's own. */
const PARSE_ERROR = -32_700;
const SERVER_ERROR = -32_000;

/** Where a message says its revision, from 2026-07-28 on. */
const REVISION = "io.modelcontextprotocol/protocolVersion";

/**
 * The server's MCP endpoint over standard input and output: each line is a message that is passed
 * on, and what is answered is a line. Resolves when the input ends, with what was still under way
 * given up.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/transports
 */
export async function relayMcp(session: Session, input: Readable, say: (line: string) => void) {
  const underWay = new Map<unknown, AbortController>();
  let revision: string | undefined;
  const pass = async (message: Message) => {
    const { id, method, params } = message;
    if (method === "notifications/cancelled") return underWay.get(params?.requestId)?.abort();
    const given = new AbortController();
    if (id !== undefined) underWay.set(id, given);
    try {
      const reply = await replyTo(session, message, { revision, signal: given.signal });
      if (reply === undefined) return;
      if (method === "initialize") revision = reply.result?.protocolVersion;
      say(jsonLine(reply));
    } catch (error) {
      if (given.signal.aborted || id === undefined) return;
      const { message: why } = explained(error, session.connection) as Error;
      say(jsonLine(errorOf(id, SERVER_ERROR, why)));
    } finally {
      underWay.delete(id);
    }
  };
  for await (const line of createInterface({ input })) {
    if (line.trim() === "") continue;
    const message = parsed(line);
    if (message === undefined)
      say(jsonLine(errorOf(null, PARSE_ERROR, "this line is no JSON object")));
    else void pass(message);
  }
  for (const given of underWay.values()) given.abort();
}

/** What the server answers; undefined: nothing, as to a notification. */
async function replyTo(
  { send }: Session,
  message: Message,
  { revision, signal }: { revision: string | undefined; signal: AbortSignal },
): Promise<Message | undefined> {
  const headers = {
    accept: "application/json, text/event-stream",
    "content-type": "application/json",
    ...headersOf(message, revision),
  };
  const response = await send("mcp", {
    ...{ method: "POST", headers, signal },
    body: JSON.stringify(message),
  });
  const text = await response.text();
  if (text === "" || message.id === undefined) return undefined;
  const answer: (Message & { detail?: string }) | undefined = parsed(text);
  if (answer === undefined) {
    throw unreachable(
      `What is at ${response.url} is no MCP server: it answered ${response.status}`,
    );
  }
  return answer.detail === undefined ? answer : errorOf(message.id, SERVER_ERROR, answer.detail);
}

/** The headers that repeat what a message says. */
function headersOf({ method, params }: Message, revision: string | undefined) {
  const claimed = params?._meta?.[REVISION];
  if (typeof claimed !== "string" || method === undefined) {
    const isAgreed = revision !== undefined && method !== "initialize";
    return isAgreed ? { "mcp-protocol-version": revision } : {};
  }
  const name = params?.name ?? params?.uri;
  return {
    "mcp-protocol-version": claimed,
    "mcp-method": method,
    ...(typeof name === "string" && { "mcp-name": headerValue(name) }),
  };
}

/** Text that is no plain header is sent as Base64, marked as such. */
function headerValue(text: string): string {
  const isPlain = /^[\x21-\x7e]+$/.test(text) && !text.startsWith("=?");
  return isPlain ? text : `=?base64?${Buffer.from(text).toString("base64")}?=`;
}

function parsed(line: string): Message | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? value : undefined;
  } catch {
    return undefined;
  }
}

const errorOf = (id: unknown, code: number, message: string) => ({
  jsonrpc: "2.0",
  id,
  error: { code, message },
});
