import { promises as dns, type LookupAddress } from "node:dns";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { isPublicAddress } from "../../shared/public-address.ts";

/** What of the outside connections to hosts of git depend on. */
export interface PublicNet {
  /** Default: the system's resolver. */
  resolve?(host: string): Promise<readonly LookupAddress[]>;
  /** Default: TCP to port 443 of the address. */
  open?(address: string): Socket;
  /** Certificates of authorities, PEM. Default: those of Node. */
  authorities?: string;
}

const HTTPS_PORT = 443;

/** A host that is none of the public Internet's. */
export class NoPublicAddress extends Error {}

export interface PublicRequest {
  method?: "GET" | "POST";
  headers?: Readonly<Record<string, string>>;
  body?: Buffer;
  signal: AbortSignal;
}

/**
 * Asks a host over HTTPS and has `take` read the answer. What is asked is a caller's word: it
 * connects to port 443 of an address that it has looked up and found to be public, and follows no
 * redirect.
 *
 * @param address has no port
 * @throws {NoPublicAddress}
 */
export async function askPublicly<T>(
  net: PublicNet,
  address: URL,
  asking: PublicRequest & { take(response: IncomingMessage): Promise<T> },
): Promise<T> {
  const { signal, take } = asking;
  const host = address.hostname.replace(/^\[|\]$/g, "");
  const open = net.open ?? ((ip) => connect({ host: ip, port: HTTPS_PORT }));
  const socket = open(await orAborted(publicAddressOf(net, host), signal));
  // Whoever waits hears of the first; there may be more.
  socket.on("error", () => {});
  try {
    return await take(await answerOf(net, address, { ...asking, host, socket }));
  } finally {
    socket.destroy();
  }
}

async function publicAddressOf(net: PublicNet, host: string): Promise<string> {
  const resolve = net.resolve ?? ((name) => dns.lookup(name, { all: true }));
  const found = isIP(host) ? [{ address: host }] : await resolve(host);
  const address = found.find((each) => isPublicAddress(each.address))?.address;
  if (address === undefined) throw new NoPublicAddress("Its host has no public address.");
  return address;
}

function answerOf(
  { authorities }: PublicNet,
  address: URL,
  { host, socket, signal, method, headers, body }: PublicRequest & { host: string; socket: Socket },
): Promise<IncomingMessage> {
  const asking = request(address, {
    signal,
    method: method ?? "GET",
    // Some servers answer git alone.
    headers: { host: address.host, "user-agent": "git/2 (runyard)", accept: "*/*", ...headers },
    // No agent: one would look the name up by itself, and connect to what it finds.
    createConnection: () =>
      connectTls({
        socket,
        host,
        ...(isIP(host) === 0 && { servername: host }),
        ...(authorities !== undefined && { ca: authorities }),
      }),
  });
  return new Promise((resolve, reject) => {
    asking.once("response", resolve).on("error", reject);
    socket.once("error", reject);
    asking.end(body);
  });
}

/** What a promise resolves to, unless the signal aborts first. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  aborted.catch(() => {});
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  return Promise.race([promise, aborted]);
}
