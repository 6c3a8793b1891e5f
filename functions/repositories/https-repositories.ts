import type { IncomingMessage } from "node:http";
import type { RepositoryLook } from "../../shared/api/dry-run.ts";
import type { Repositories } from "../services/repositories.ts";
import { type AdvertisedRefs, advertisedRefs, hasRef } from "./advertised-refs.ts";
import { askPublicly, NoPublicAddress, type PublicNet } from "./public-host.ts";

export interface HttpsRepositoriesOptions extends PublicNet {
  /** Default: five seconds. */
  timeoutMs?: number;
}

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
    return refsIn(
      await askPublicly(this.#options, address, {
        signal,
        take: async (response) => ({ response, content: await beginningOf(response) }),
      }),
    );
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

const WHY: Readonly<Record<string, string>> = {
  ENOTFOUND: "Its host has no address.",
  EAI_AGAIN: "Its host's address cannot be looked up now.",
  ECONNREFUSED: "Its host takes no connections.",
  ECONNRESET: "Its host ended the connection.",
};

/** A sentence of ours: what others said is not in it. */
function whyOf(error: unknown, signal: AbortSignal): string {
  if (error instanceof Unreachable || error instanceof NoPublicAddress) return error.message;
  if (signal.aborted) return "It does not answer in time.";
  const { code = "" } = error as NodeJS.ErrnoException;
  if (/CERT|SSL|TLS|SELF_SIGNED|LEAF_SIGNATURE/.test(code)) return "Its certificate is not valid.";
  return WHY[code] ?? "It cannot be reached.";
}
