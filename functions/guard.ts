import http from "node:http";
import type { Socket } from "node:net";
import { AppError } from "../shared/errors.ts";
import { problemParts } from "./api/http/problem.ts";
import { expectContinue } from "./api/http/receive-body.ts";
import { doLast, startClosing } from "./closing.ts";
import { boundConnections } from "./connections.ts";
import { foreignFault, isFromOtherSite } from "./hosts.ts";
import { describeError, log } from "./log.ts";
import type { Admission } from "./trigger-auth.ts";

/** What the guard lets through. */
export interface GuardOptions {
  /** Largest body in bytes of a request to such a path. */
  bodyBytes(path: string): number;
  /** Address to bind to. */
  host: string;
  /** Hosts that requests may be addressed to. Default: any; who is served looks for itself. */
  allowedHosts?: readonly string[] | undefined;
  /** Looks who sends a request that is otherwise in order. Default: anybody may. */
  admit?: Admission | undefined;
  /** Answers the requests that the guard lets through. Default: functions-framework. */
  serve?: http.RequestListener | undefined;
  /** Connections at a time. Default {@link MOST_CONNECTIONS}. */
  connections?: number | undefined;
}

/**
 * Puts a guard around the HTTP server that functions-framework is about to create. It parses bodies
 * before any function sees them: a small compressed body becomes gigabytes, broken JSON is answered
 * with a stack trace. So encodings and sizes are checked, and broken requests answered, before it
 * looks. It also drops requests in hand on SIGTERM; we finish them.
 *
 * Call once, while the module that registers the functions is loading.
 */
export function installGuard(options: GuardOptions): void {
  const createServer = http.createServer;
  // functions-framework calls `http.createServer(app)` on this very object.
  http.createServer = ((listener: http.RequestListener) => {
    http.createServer = createServer;
    return guardedServer(listener, options);
  }) as typeof http.createServer;
}

function guardedServer(framework: http.RequestListener, options: GuardOptions): http.Server {
  const { serve = framework, admit } = options;
  const judge = (
    request: http.IncomingMessage,
    response: http.ServerResponse,
    go: () => void,
  ): void => {
    const refusal = refusalOf(request, options);
    if (refusal !== undefined) refuse(request, response, refusal);
    else if (admit === undefined) go();
    else void admitted(admit, request, response).then((is) => is && go());
  };
  const guarded: http.RequestListener = (request, response) =>
    judge(request, response, () => serve(request, response));
  // Node would refuse a request without Host by itself, without saying why.
  const server = http.createServer({ requireHostHeader: false, ...PATIENCE }, guarded);
  // Of whom a platform lets through nobody proves anything: what is one too many is dropped.
  const { connections = MOST_CONNECTIONS } = options;
  if (options.serve === undefined) server.maxConnections = connections;
  else boundConnections(server, connections);
  // Whoever asks before sending a body is told to when it is wanted, not before the headers are
  // judged.
  server.on("checkContinue", (request, response) =>
    judge(request, response, () => {
      if (options.serve === undefined) response.writeContinue();
      else expectContinue(request);
      serve(request, response);
    }),
  );
  // Who expects something that is not known gets an ordinary answer.
  server.on("checkExpectation", guarded);
  server.on("clientError", answerClientError);
  const listen = server.listen.bind(server) as (...args: unknown[]) => http.Server;
  server.listen = ((port: string, ...rest: unknown[]) =>
    /^\d+$/.test(port) ? listen(port, options.host, ...rest) : listen(port, ...rest)) as never;
  server.once("listening", () => setImmediate(drainOnSignals, server));
  return server;
}

/** Whether a request may be served; one that may not has its answer. */
async function admitted(
  admit: Admission,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<boolean> {
  const refusal = await admit(request).catch((cause: unknown) => {
    return new AppError("internal", { detail: "it cannot be told who calls", cause });
  });
  if (refusal === undefined) return true;
  const cause = refusal.cause === undefined ? "" : ` (${describeError(refusal.cause)})`;
  log("WARNING", `a call was refused: ${refusal.message}${cause}`);
  refuse(request, response, refusal);
  return false;
}

/**
 * In milliseconds: how long headers, and all of a request, may take; how often that is looked at;
 * and how long a connection may be idle. The last is longer than the 600 s of Google's load
 * balancers: whoever ends a connection first must be the one who sends on it, or a request meets
 * its end.
 *
 * @see https://cloud.google.com/load-balancing/docs/https#timeout-keepalive-backends
 */
const PATIENCE = {
  keepAliveTimeout: 620_000,
  headersTimeout: 10_000,
  requestTimeout: 40_000,
  connectionsCheckingInterval: 2_000,
} as const;

/** Each is a file, and some memory. */
const MOST_CONNECTIONS = 4096;

function refusalOf(request: http.IncomingMessage, options: GuardOptions): AppError | undefined {
  if (request.headers.host === undefined && request.httpVersion !== "1.0") {
    return new AppError("invalid_request", { detail: "the request has no Host" });
  }
  const { allowedHosts } = options;
  if (allowedHosts !== undefined) {
    const foreign = foreignFault(request, { allowedHosts, corsOrigins: [] });
    if (foreign !== undefined) return foreign;
    if (isFromOtherSite(request.headers)) {
      return new AppError("foreign_origin", { detail: "pages of other sites may not call here" });
    }
  }
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") {
    const detail = `Content-Encoding ${encoding} is not accepted; send the body as it is`;
    return new AppError("unsupported_media_type", { detail });
  }
  if (request.headers["transfer-encoding"] !== undefined) {
    return new AppError("length_required", { detail: "send a Content-Length, not a chunked body" });
  }
  const length = Number(request.headers["content-length"] ?? 0);
  const most = options.bodyBytes(request.url ?? "");
  if (length <= most) return undefined;
  const detail = `the body has ${length} bytes; at most ${most} are accepted`;
  return new AppError("too_large", { detail });
}

/** Answers at once and throws the body away as it comes, so that the answer gets through. */
function refuse(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  error: AppError,
): void {
  const { headers, body } = problemParts(error);
  response.writeHead(error.status, headers).end(body);
  request.resume();
}

function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  // Who was answered already, and goes on sending until the time is over, is told nothing more.
  const isAnswered = socket.bytesWritten > 0 && error.code === "ERR_HTTP_REQUEST_TIMEOUT";
  if (!socket.writable || error.code === "ECONNRESET" || isAnswered) {
    socket.destroy();
    return;
  }
  const detail = `the request cannot be read (${error.code ?? "unknown"})`;
  const { headers, body } = problemParts(new AppError("invalid_request", { detail, cause: error }));
  const lines = Object.entries({ ...headers, connection: "close" }).map(([k, v]) => `${k}: ${v}`);
  socket.end(`HTTP/1.1 400 Bad Request\r\n${lines.join("\r\n")}\r\n\r\n${body}`);
}

/** Seconds for requests in hand to finish; Cloud Run kills 10 s after SIGTERM. */
const DRAIN_SECONDS = 9;

function drainOnSignals(server: http.Server): void {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.removeAllListeners(signal);
    process.once(signal, () => {
      log("INFO", `${signal}: finishing what is in hand`);
      startClosing();
      server.close(() => void doLast().finally(() => process.exit(0)));
      // A connection whose request has just been finished is idle, and would be kept open for more.
      setInterval(() => server.closeIdleConnections(), 50);
      setTimeout(() => process.exit(0), DRAIN_SECONDS * 1000).unref();
    });
  }
}
