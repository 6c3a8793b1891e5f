import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { foreignReason } from "../../emulators/wire/loopback.ts";
import { answerError, answerMessage } from "./answer.ts";
import { type MessagesRequest, situationOf } from "./request.ts";
import { DEFAULT_SCRIPT, nextTurn, type Script } from "./script.ts";

/** One request as it came in. */
export interface ReceivedRequest {
  path: string;
  headers: IncomingHttpHeaders;
  /** The parsed JSON body, or undefined if there was none. */
  body: unknown;
}

export interface OfflineModelOptions {
  /** Default 0: any free port. */
  port?: number;
  /** Default {@link DEFAULT_SCRIPT}. */
  script?: Script;
  /** Is told each request before it is answered. */
  onRequest?(request: ReceivedRequest): void;
}

/** A running offline model. */
export interface OfflineModel extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, the value for `ANTHROPIC_BASE_URL`. */
  url: string;
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 64 * 1024 * 1024;

/**
 * Serves Anthropic's Messages API on loopback without any model: answers come from a script.
 *
 * Differs: any key is accepted, tokens are not counted, and what the script does not know it
 * ignores (sampling parameters, thinking, caching).
 *
 * @see https://docs.claude.com/en/api/messages
 */
export async function startOfflineModel(options: OfflineModelOptions = {}): Promise<OfflineModel> {
  const server = createServer((request, response) => {
    const foreign = foreignReason(request);
    if (foreign !== undefined) return answerError(response, 403, foreign);
    handle(request, response, options).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else answerError(response, 500, error instanceof Error ? error.message : String(error));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", () => resolve());
  });
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close, [Symbol.asyncDispose]: close };
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  { script = DEFAULT_SCRIPT, onRequest }: OfflineModelOptions,
): Promise<void> {
  const body = await readJson(request);
  const path = request.url ?? "/";
  onRequest?.({ path, headers: request.headers, body });
  const { pathname } = new URL(path, "http://offline");
  if (request.method === "POST" && pathname === "/v1/messages") {
    if (!isMessagesRequest(body)) {
      return answerError(response, 400, "messages: a list of messages is required");
    }
    const turn = nextTurn(script, situationOf(body));
    return answerMessage(response, turn, { model: body.model, stream: body.stream === true });
  }
  if (request.method === "POST" && pathname === "/v1/messages/count_tokens") {
    return answerJson(response, { input_tokens: Math.ceil(JSON.stringify(body ?? "").length / 4) });
  }
  if (pathname === "/" && request.method !== "POST") {
    return answerJson(response, { message: "Runyard's offline model; no model answers here." });
  }
  return answerError(response, 404, `${request.method} ${pathname} is not served offline`);
}

const isMessagesRequest = (body: unknown): body is MessagesRequest =>
  typeof body === "object" &&
  body !== null &&
  "messages" in body &&
  Array.isArray(body.messages) &&
  body.messages.every((message) => typeof message === "object" && message !== null);

function answerJson(response: ServerResponse, value: object): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
}

/** The body as JSON; undefined if it is empty, no JSON, or larger than the bound. */
async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  try {
    return size > MAX_BODY_BYTES ? undefined : JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    return undefined;
  }
}
