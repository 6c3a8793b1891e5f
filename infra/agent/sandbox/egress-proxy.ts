import { promises as dns, type LookupAddress } from "node:dns";
import { createServer, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { isPublicAddress } from "../../../shared/public-address.ts";
import { messageOf, oneLine } from "../text.ts";
import { listenOnSocket, type RunningProxy } from "./unix-server.ts";

export interface EgressProxyOptions {
  /** Where to listen: the path of a unix socket. */
  socketPath: string;
  /** Exact host names, any case. */
  allowedHosts: readonly string[];
  /** Default: the system's resolver. */
  resolve?(host: string): Promise<readonly LookupAddress[]>;
  /** Default: TCP to port 443 of the address. */
  open?(address: string): Socket;
}

const HTTPS_PORT = "443";
const CONNECT_TIMEOUT_MS = 15_000;

/**
 * The sandbox's only way out beside the model's API: an HTTP proxy that opens tunnels (CONNECT) to
 * port 443 of the allowed hosts, and answers 403 with a reason to everything else.
 *
 * It resolves a name itself and connects to an address that it has checked, so a name that points
 * into the private network or at the metadata server leads nowhere.
 */
export async function startEgressProxy(options: EgressProxyOptions): Promise<RunningProxy> {
  const allowed = new Set(options.allowedHosts.map(normalHost));
  const server = createServer((_request, response) => {
    response.writeHead(403, { "content-type": "text/plain", connection: "close" });
    response.end("Only HTTPS leaves the sandbox (CONNECT to port 443).\n");
  });
  server.on("connect", (request: IncomingMessage, client: Duplex, head: Buffer) => {
    client.on("error", () => client.destroy());
    tunnel({ request, client, head, allowed, options }).catch((error: unknown) =>
      refuse(client, "502 Bad Gateway", messageOf(error)),
    );
  });
  return listenOnSocket(server, options.socketPath);
}

interface Tunnel {
  request: IncomingMessage;
  client: Duplex;
  head: Buffer;
  allowed: ReadonlySet<string>;
  options: EgressProxyOptions;
}

async function tunnel({ request, client, head, allowed, options }: Tunnel): Promise<void> {
  const [, host = "", port] = /^\[?([^[\]]+?)\]?:(\d+)$/.exec(request.url ?? "") ?? [];
  if (port !== HTTPS_PORT) {
    return refuse(client, "403 Forbidden", "Only port 443 may be reached from the sandbox.");
  }
  if (!allowed.has(normalHost(host))) {
    const what = `${oneLine(host, 100)} is not among the run's allowedHosts.`;
    return refuse(client, "403 Forbidden", what);
  }
  const resolve = options.resolve ?? ((name) => dns.lookup(name, { all: true }));
  const address = (await resolve(normalHost(host))).find((found) => isPublicAddress(found.address));
  if (address === undefined) {
    const what = `${oneLine(host, 100)} has no public address.`;
    return refuse(client, "403 Forbidden", what);
  }
  const open = options.open ?? ((ip) => connect({ host: ip, port: Number(HTTPS_PORT) }));
  join(client, head, open(address.address));
}

function join(client: Duplex, head: Buffer, upstream: Socket): void {
  const giveUp = () => refuse(client, "504 Gateway Timeout", "The host did not answer.");
  upstream.setTimeout(CONNECT_TIMEOUT_MS, () => {
    giveUp();
    upstream.destroy();
  });
  let isOpen = false;
  upstream.once("connect", () => {
    isOpen = true;
    upstream.setTimeout(0);
    client.write("HTTP/1.1 200 Connection Established\r\n\r\n");
    if (head.length > 0) upstream.write(head);
    client.pipe(upstream).pipe(client);
  });
  upstream.on("error", () => {
    if (isOpen) client.destroy();
    else giveUp();
  });
  client.once("close", () => upstream.destroy());
  upstream.once("close", () => client.end());
}

function refuse(client: Duplex, status: string, reason: string): void {
  if (client.destroyed || client.writableEnded) return;
  client.end(
    `HTTP/1.1 ${status}\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(reason) + 1}\r\nconnection: close\r\n\r\n${reason}\n`,
  );
}

const normalHost = (host: string): string => host.toLowerCase().replace(/\.$/, "");
