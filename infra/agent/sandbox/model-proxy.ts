import { timingSafeEqual } from "node:crypto";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as requestHttp,
  type ServerResponse,
} from "node:http";
import { request as requestHttps } from "node:https";
import { pipeline } from "node:stream";
import { listenOnSocket, type RunningProxy } from "./unix-server.ts";

export interface ModelProxyOptions {
  /** Where to listen: the path of a unix socket. */
  socketPath: string;
  /** The API's base address; a path in it is kept as a prefix. */
  baseUrl: string;
  /** The real key. It is sent to `baseUrl` and nowhere else. */
  apiKey: string;
  /** What the agent uses as its key, worth nothing elsewhere. */
  placeholderKey: string;
}

const ERROR_TYPES = {
  401: "authentication_error",
  404: "not_found_error",
  502: "api_error",
} as const;

/** Headers that belong to one connection, or that only we may set. */
const DROPPED_HEADERS = new Set([
  "authorization",
  "connection",
  "host",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "x-api-key",
]);

/**
 * Stands between the sandboxed agent and the model's API: takes requests under `/v1/` that carry the
 * run's placeholder key and forwards them with the real one, streaming both ways. It keeps and logs
 * nothing of them.
 */
export async function startModelProxy(options: ModelProxyOptions): Promise<RunningProxy> {
  const server = createServer((request, response) => forward(request, response, options));
  server.requestTimeout = 0;
  return listenOnSocket(server, options.socketPath);
}

function forward(
  request: IncomingMessage,
  response: ServerResponse,
  options: ModelProxyOptions,
): void {
  const path = apiPath(request.url ?? "/");
  if (path === undefined) {
    answerError(response, 404, "Only the model's API is served here.");
    return;
  }
  if (!carries(request.headers, options.placeholderKey)) {
    answerError(response, 401, "This is not the run's key.");
    return;
  }
  const base = new URL(options.baseUrl);
  const target = new URL(base.pathname.replace(/\/$/, "") + path, base);
  const open = target.protocol === "http:" ? requestHttp : requestHttps;
  const upstream = open(target, {
    method: request.method ?? "GET",
    headers: { ...keptHeaders(request.headers), "x-api-key": options.apiKey },
  });
  upstream.on("response", (answer) => {
    response.writeHead(answer.statusCode ?? 502, keptHeaders(answer.headers));
    pipeline(answer, response, () => {});
  });
  upstream.on("error", () => {
    if (response.headersSent) response.destroy();
    else answerError(response, 502, "The model's API could not be reached.");
  });
  response.once("close", () => upstream.destroy());
  pipeline(request, upstream, () => {});
}

/** The path and query, if it is plainly under `/v1/`: nothing that a server might read otherwise. */
function apiPath(url: string): string | undefined {
  if (!URL.canParse(url, "http://model")) return undefined;
  const { origin, pathname, search } = new URL(url, "http://model");
  if (origin !== "http://model" || !pathname.startsWith("/v1/")) return undefined;
  if (/%2e|%2f|%5c|\/\//i.test(pathname)) return undefined;
  return pathname + search;
}

function carries(headers: IncomingHttpHeaders, key: string): boolean {
  const bearer = headers.authorization?.replace(/^Bearer /i, "");
  const given = Buffer.from(String(headers["x-api-key"] ?? bearer ?? ""));
  const wanted = Buffer.from(key);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function keptHeaders(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const connection = String(headers.connection ?? "").toLowerCase();
  const perConnection = new Set(connection.split(",").map((name) => name.trim()));
  return Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => !DROPPED_HEADERS.has(name) && !perConnection.has(name),
    ),
  );
}

/** An error in the form of the API itself, so that the agent's command line understands it. */
function answerError(response: ServerResponse, status: 401 | 404 | 502, message: string): void {
  response.writeHead(status, { "content-type": "application/json", connection: "close" });
  response.end(JSON.stringify({ type: "error", error: { type: ERROR_TYPES[status], message } }));
}
