import { once } from "node:events";
import { closeSync, createReadStream } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { CallerPorts, type Callers } from "../wire/callers.ts";
import { foreignReason } from "../wire/loopback.ts";
import { GoogleError } from "../wire/status.ts";
import { withCallers } from "./caller-router.ts";
import { toWireError, type WireError } from "./errors.ts";
import { parseQuery, type Reply, type ReplyFile, type StorageRequest } from "./request.ts";
import { type Router, type Surface, surfaceOf } from "./routes.ts";
import type { State } from "./state.ts";

/** An HTTP server that accepts requests. */
export interface RunningServer {
  /** `http://127.0.0.1:PORT` */
  url: string;
  /** The same for an account of {@link Callers}. */
  urlOf(account: string): string;
  /** Cuts open connections, waits for what was in hand, frees the port. */
  close(): Promise<void>;
}

/** Serves the JSON API and the XML API on loopback. */
export async function startServer(
  state: State,
  route: Router,
  { port = 0, hosts, callers }: Listening,
): Promise<RunningServer> {
  const ports = new CallerPorts();
  const asked = withCallers(route, callers, ports);
  const inHand = new Set<Promise<void>>();
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const foreign = foreignReason(request, hosts);
    if (foreign !== undefined) {
      // Whatever it sends along stays unread.
      response.writeHead(403, { "content-type": "text/plain", connection: "close" }).end(foreign);
      return;
    }
    const handled = handle({ state, route: asked }, request, response).finally(() =>
      inHand.delete(handled),
    );
    inHand.add(handled);
  };
  const servers = [await listening(answer, port)];
  for (const account of callers?.accounts ?? []) {
    const own = await listening(answer, 0);
    ports.add(account, portOf(own));
    servers.push(own);
  }
  return {
    url: `http://127.0.0.1:${portOf(servers[0] as Server)}`,
    urlOf: (account) => `http://127.0.0.1:${ports.portOf(account)}`,
    async close() {
      await Promise.all(servers.map(closed));
      await Promise.all(inHand);
    },
  };
}

/** Where a server listens, and for whom. */
interface Listening {
  port?: number | undefined;
  hosts?: readonly string[] | undefined;
  callers?: Callers | undefined;
}

async function listening(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  port: number,
): Promise<Server> {
  const server = createServer(answer);
  // An upload may take as long as it needs.
  server.requestTimeout = 0;
  // Longer than clients keep idle connections: a request never meets a connection that we just
  // closed.
  server.keepAliveTimeout = 240_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return server;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

function closed(server: Server): Promise<void> {
  const ended = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  return ended;
}

/** The one place that turns what an operation returns, or throws, into the wire's form. */
async function handle(
  { state, route }: { state: State; route: Router },
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // A client that breaks off is noticed where its body is read or its reply is written.
  incoming.on("error", () => undefined);
  response.on("error", () => undefined);
  const [path = "", ...query] = (incoming.url ?? "").split("?");
  const { surface, rest } = surfaceOf(path);
  let reply: Reply;
  try {
    if (!path.startsWith("/")) throw new GoogleError("INVALID_ARGUMENT", `Invalid path: ${path}`);
    const request = toRequest(incoming, path, parseQuery(query.join("?")));
    refuseUnknownHeaders(request);
    const { operation, parameters } = route(surface, request.method, rest);
    reply = await operation(state, { ...request, parameters });
  } catch (error) {
    const form = formOf(surface, query.join("?"));
    reply = errorReply(toWireError(error), form);
  }
  try {
    await writeReply(response, reply, incoming.method === "HEAD");
  } catch (error) {
    toWireError(error);
    response.destroy();
  }
  // What a refusal left unread would keep the connection from its next request.
  incoming.removeAllListeners("readable");
  setImmediate(() => incoming.resume());
}

function toRequest(
  incoming: IncomingMessage,
  path: string,
  query: Record<string, string>,
): StorageRequest {
  const { host = "" } = incoming.headers;
  const ownHost = `127.0.0.1:${incoming.socket.localPort}`;
  return {
    method: incoming.method ?? "",
    path,
    parameters: {},
    query,
    headers: incoming.headers,
    localPort: incoming.socket.localPort ?? 0,
    body: bodyOf(incoming),
    baseUrl: `http://${/^[\w.:[\]-]+$/.test(host) ? host : ownHost}`,
    disconnect: () => incoming.socket.destroy(),
    whenDisconnected: async () => {
      if (!incoming.socket.destroyed) await once(incoming.socket, "close");
    },
  };
}

/**
 * Leaves the connection open when its reader stops early, so that a refusal still reaches the
 * client.
 */
async function* bodyOf(incoming: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    yield* incoming.iterator({ destroyOnReturn: false });
  } catch (cause) {
    throw brokenOff(cause);
  }
}

function brokenOff(cause: unknown): GoogleError {
  return new GoogleError("CANCELLED", "The client broke off its request.", { cause });
}

/** To store in the clear what a client wants encrypted with its own key would be a lie. */
function refuseUnknownHeaders(request: StorageRequest): void {
  if (request.headers["x-goog-encryption-key"] !== undefined) {
    throw new GoogleError(
      "UNIMPLEMENTED",
      "the stand-in does not implement customer-supplied encryption keys",
    );
  }
}

type ErrorForm = "json" | "xml" | "text";

/** The JSON API answers a request for content with plain text, as it has no resource to send. */
function formOf(surface: Surface, query: string): ErrorForm {
  if (surface === "xml") return "xml";
  return /(?:^|&)alt=media(?:&|$)/.test(query) ? "text" : "json";
}

function errorReply(error: WireError, form: ErrorForm): Reply {
  const { http: status, headers = {}, message } = error;
  if (status === 304) return { status, headers };
  // The offset error of resumable uploads is plain text whichever API it is.
  if (form === "text" || status === 503) {
    return {
      status,
      headers: { ...headers, "content-type": "text/plain; charset=utf-8" },
      text: message,
    };
  }
  if (form === "xml") {
    const xmlHeaders = { ...headers, "content-type": "application/xml; charset=UTF-8" };
    return { status, headers: xmlHeaders, text: xmlError(error) };
  }
  const { reason, location } = error;
  const place = location === undefined ? {} : { locationType: "header", location };
  const errors = [{ message, domain: "global", reason, ...place }];
  return { status, headers, json: { error: { code: status, message, errors } } };
}

function xmlError(error: WireError): string {
  const { xmlCode, xmlMessage, message, xml = {} } = error;
  const elements = {
    Code: xmlCode,
    Message: xmlMessage ?? message,
    ...(xmlMessage === undefined ? {} : { Details: message }),
    ...xml,
  };
  const inner = Object.entries(elements).map(
    ([name, text]) => `<${name}>${escapeXml(text)}</${name}>`,
  );
  return `<?xml version='1.0' encoding='UTF-8'?><Error>${inner.join("")}</Error>`;
}

function escapeXml(text: string): string {
  const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return escaped.replace(/[^\t\n\r\P{Cc}]/gu, "?");
}

async function writeReply(response: ServerResponse, reply: Reply, isHead: boolean): Promise<void> {
  const { status, headers = {}, file } = reply;
  if (file !== undefined) {
    response.writeHead(status, headers);
    await writeFile(response, file, isHead);
    return;
  }
  const body = reply.json === undefined ? (reply.text ?? "") : JSON.stringify(reply.json);
  const type =
    reply.json === undefined ? {} : { "content-type": "application/json; charset=UTF-8" };
  // These two statuses have no body, and therefore no length.
  const bare = status === 204 || status === 304;
  const length = bare ? {} : { "content-length": Buffer.byteLength(body) };
  response.writeHead(status, { ...type, ...length, ...headers });
  response.end(isHead || bare ? undefined : body);
}

async function writeFile(
  response: ServerResponse,
  file: ReplyFile,
  isHead: boolean,
): Promise<void> {
  const { descriptor: fd, start, end } = file;
  if (isHead || end < start) {
    closeSync(fd);
    response.end();
    return;
  }
  const content = createReadStream("", { fd, start, end });
  const parts = file.gunzip ? [content, createGunzip(), response] : [content, response];
  // Status and headers are out: the broken connection itself tells the client, which checks the
  // length.
  await pipeline(parts).catch(() => undefined);
}
