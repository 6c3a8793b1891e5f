import { promises as dns, type LookupAddress } from "node:dns";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { connect, isIP, type Socket } from "node:net";
import type { Readable } from "node:stream";
import { getCACertificates, connect as tlsConnect } from "node:tls";
import { isPublicAddress } from "../../../shared/public-address.ts";

/**
 * How repositories are reached. Default: by HTTPS, as the machine resolves names and trusts
 * certificates.
 */
export interface RepositoryAccess {
  /** Default: the system's resolver. */
  resolve?(host: string): Promise<readonly LookupAddress[]>;
  /** Default: TCP to port 443 of the address. */
  open?(address: string): Socket;
  /** PEM of the authorities to trust instead of the machine's and Node's. */
  authorities?: string;
  /**
   * The secret of the repository that names one, `TOKEN` or `USER:TOKEN`; undefined: the build has
   * none.
   */
  credential?: string | undefined;
  /** The same of several repositories, by their places in the list; empty: the build has none. */
  credentials?: readonly string[] | undefined;
}

/** Why a host gives nothing; the end of a sentence of ours. */
export class Unreachable extends Error {}

export interface Asking {
  method: "GET" | "POST";
  headers: Record<string, string>;
  body?: Readable | string;
  signal: AbortSignal;
}

const HTTPS_PORT = 443;
const CONNECT_TIMEOUT_MS = 15_000;

/**
 * Asks a host over TLS, which ends here, at a public address that its name leads to now.
 *
 * @throws {Unreachable}
 */
export async function askHost(
  target: URL,
  { method, headers, body, signal }: Asking,
  access: RepositoryAccess,
): Promise<IncomingMessage> {
  const host = target.hostname.replace(/^\[|\]$/g, "");
  const address = await publicAddressOf(host, access);
  const open = access.open ?? ((ip) => connect({ host: ip, port: HTTPS_PORT }));
  const socket = open(address);
  socket.setTimeout(CONNECT_TIMEOUT_MS, () =>
    socket.destroy(Object.assign(new Error("no connection"), { code: "ETIMEDOUT" })),
  );
  socket.once("connect", () => socket.setTimeout(0));
  const asking = request(target, {
    method,
    headers: { ...headers, host: target.host },
    signal,
    // No agent: one would look the name up by itself, and connect to what it finds.
    createConnection: () =>
      tlsConnect({
        socket,
        host,
        ca: access.authorities ?? trusted(),
        ...(isIP(host) === 0 && { servername: host }),
      }),
  });
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      socket.destroy();
      reject(new Unreachable(whyOf(error), { cause: error }));
    };
    asking.once("response", resolve).on("error", fail);
    asking.once("close", () => socket.destroy());
    socket.on("error", fail);
    if (body === undefined || typeof body === "string") asking.end(body);
    else body.on("error", () => asking.destroy()).pipe(asking);
  });
}

/** Those that the machine trusts, as git does, and those of Node: an image may have none. */
function trusted(): string[] {
  return [...getCACertificates("default"), ...getCACertificates("system")];
}

async function publicAddressOf(
  host: string,
  { resolve = (name) => dns.lookup(name, { all: true }) }: RepositoryAccess,
): Promise<string> {
  const found = isIP(host)
    ? [{ address: host }]
    : await resolve(host).catch((cause: unknown) => {
        throw new Unreachable("its host has no address", { cause });
      });
  const address = found.find((each) => isPublicAddress(each.address))?.address;
  if (address === undefined) throw new Unreachable("its host has no public address");
  return address;
}

function whyOf(error: Error): string {
  const { code = "" } = error as NodeJS.ErrnoException;
  if (/CERT|SSL|TLS|SELF_SIGNED|LEAF_SIGNATURE/.test(code)) {
    return "the certificate of its host is not valid";
  }
  if (code === "ETIMEDOUT") return "its host does not answer";
  if (code === "ECONNREFUSED") return "its host takes no connections";
  return "its host ended the connection";
}

/**
 * Where a redirect of git has a repository.
 *
 * @throws {Unreachable} if a redirect leads away from the host, or to what is no repository
 */
export function movedTo(from: URL, suffix: string, location = ""): string {
  const to = URL.parse(location, from.href);
  if (to?.origin !== from.origin || !`${to.pathname}${to.search}`.endsWith(suffix)) {
    throw new Unreachable(
      "its host sends git to another one, or to a page: name the address that it has now",
    );
  }
  return to.href.slice(0, -suffix.length);
}
