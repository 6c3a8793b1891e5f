import { promises as dns, type LookupAddress } from "node:dns";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { RepositoryLook } from "../../shared/api/dry-run.ts";
import { isPublicAddress } from "../../shared/public-address.ts";
import type { Repositories } from "../services/repositories.ts";
import { type AdvertisedRefs, advertisedRefs, hasRef } from "./advertised-refs.ts";

export interface HttpsRepositoriesOptions {
  /** Default: the system's resolver. */
  resolve?(host: string): Promise<readonly LookupAddress[]>;
  /** Default: TCP to port 443 of the address. */
  open?(address: string): Socket;
  /** Certificates of authorities, PEM. Default: those of Node. */
  authorities?: string;
  /** Default: five seconds. */
  timeoutMs?: number;
}

const HTTPS_PORT = 443;
const TIMEOUT_MS = 5000;
/** What is read of an answer at most. */
const MOST_BYTES = 64 * 1024;

/** Why nothing is known of a repository. */
class Unreachable extends Error {}
/** It is not for everybody, or there is none. */
class Closed extends Unreachable {}

/** Of one with a credential: no part of the API reads secrets. */
const UNKNOWN: RepositoryLook = {
  reachable: null,
  why: "It is not for everybody; whether its credential opens it, only a checkout can tell.",
  hasRef: null,
};

/**
 * Asks servers of git over HTTPS for their refs, as a checkout would begin. What it is told to ask
 * is a caller's word: it connects to port 443 of an address that it has looked up and found to be
 * public, sends no credentials, follows no redirect and reads no more than {@link MOST_BYTES}.
 */
export class HttpsRepositories implements Repositories {
  readonly #options: HttpsRepositoriesOptions;

  constructor(options: HttpsRepositoriesOptions = {}) {
    this.#options = options;
  }

  async look({
    url,
    ref,
    credential,
  }: Parameters<Repositories["look"]>[0]): Promise<RepositoryLook> {
    const signal = AbortSignal.timeout(this.#options.timeoutMs ?? TIMEOUT_MS);
    try {
      const refs = await this.#refsOf(url, signal);
      const isThere = ref === undefined ? null : hasRef(refs, ref);
      const why =
        isThere === false ? `It has no branch, tag or commit ${ref}.` : "It lists its refs.";
      return { reachable: true, why, hasRef: isThere };
    } catch (error) {
      if (credential && error instanceof Closed) return UNKNOWN;
      return { reachable: false, why: whyOf(error, signal), hasRef: null };
    }
  }

  async #refsOf(url: string, signal: AbortSignal): Promise<AdvertisedRefs> {
    const address = URL.canParse(url)
      ? URL.parse(`${url.replace(/\/+$/, "")}/info/refs?service=git-upload-pack`)
      : null;
    if (address?.protocol !== "https:" || address.username !== "" || address.hash !== "") {
      throw new Unreachable("That is no address of a repository.");
    }
    if (address.port !== "") throw new Unreachable("Only port 443 of a host can be reached.");
    const host = address.hostname.replace(/^\[|\]$/g, "");
    const open = this.#options.open ?? ((ip) => connect({ host: ip, port: HTTPS_PORT }));
    const socket = open(await orAborted(this.#publicAddressOf(host), signal));
    // Whoever waits hears of the first; there may be more.
    socket.on("error", () => {});
    try {
      return refsIn(await this.#answerOf(address, { host, socket, signal }));
    } finally {
      socket.destroy();
    }
  }

  async #publicAddressOf(host: string): Promise<string> {
    const resolve = this.#options.resolve ?? ((name) => dns.lookup(name, { all: true }));
    const found = isIP(host) ? [{ address: host }] : await resolve(host);
    const address = found.find((each) => isPublicAddress(each.address))?.address;
    if (address === undefined) throw new Unreachable("Its host has no public address.");
    return address;
  }

  async #answerOf(
    address: URL,
    { host, socket, signal }: { host: string; socket: Socket; signal: AbortSignal },
  ): Promise<Answer> {
    const { authorities } = this.#options;
    const asking = request(address, {
      signal,
      // No agent: one would look the name up by itself, and connect to what it finds.
      // Some servers answer git alone.
      headers: { host: address.host, "user-agent": "git/2 (runyard)", accept: "*/*" },
      createConnection: () =>
        connectTls({
          socket,
          host,
          ...(isIP(host) === 0 && { servername: host }),
          ...(authorities !== undefined && { ca: authorities }),
        }),
    });
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      asking.once("response", resolve).on("error", reject);
      socket.once("error", reject);
      asking.end();
    });
    return { response, content: await beginningOf(response) };
  }
}

interface Answer {
  response: IncomingMessage;
  content: Buffer;
}

async function beginningOf(response: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of response) {
    pieces.push(piece as Buffer);
    bytes += (piece as Buffer).length;
    if (bytes >= MOST_BYTES) break;
  }
  return Buffer.concat(pieces).subarray(0, MOST_BYTES);
}

/** @throws {Unreachable} */
function refsIn({ response: { statusCode: status = 0 }, content }: Answer): AdvertisedRefs {
  if (status >= 300 && status < 400) {
    throw new Unreachable("It answers with a redirect; name the address that this leads to.");
  }
  if ([401, 403, 404].includes(status)) {
    throw new Closed(`It answers ${status}: there is none, or not for everybody.`);
  }
  if (status !== 200) throw new Unreachable(`It answers ${status}.`);
  const refs = advertisedRefs(content, content.length < MOST_BYTES);
  if (refs === undefined) throw new Unreachable("What answers there is no server of git.");
  return refs;
}

/** What a promise resolves to, unless the signal aborts first. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  return Promise.race([promise, aborted]);
}

const WHY: Readonly<Record<string, string>> = {
  ENOTFOUND: "Its host has no address.",
  EAI_AGAIN: "Its host's address cannot be looked up now.",
  ECONNREFUSED: "Its host takes no connections.",
  ECONNRESET: "Its host ended the connection.",
};

/** A sentence of ours: what others said is not in it. */
function whyOf(error: unknown, signal: AbortSignal): string {
  if (error instanceof Unreachable) return error.message;
  if (signal.aborted) return "It does not answer in time.";
  const { code = "" } = error as NodeJS.ErrnoException;
  if (/CERT|SSL|TLS|SELF_SIGNED|LEAF_SIGNATURE/.test(code)) return "Its certificate is not valid.";
  return WHY[code] ?? "It cannot be reached.";
}
