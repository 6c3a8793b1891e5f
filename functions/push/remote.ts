import type { IncomingMessage } from "node:http";
import { credentialOf, hiddenOf } from "../../shared/agent/credential.ts";
import { DELIVERY } from "../../shared/delivery/limits.ts";
import { preview } from "../../shared/text.ts";
import { askPublicly, NoPublicAddress, type PublicNet } from "../repositories/public-host.ts";
import { DeliveryFault } from "../services/repository-host.ts";
import { type GitObjects, objectsIn } from "./pack.ts";
import { DELIMITER, FLUSH, pktLine, pktLinesIn, textOf } from "./pkt-line.ts";

/** Of a host's own words. */
const WORDS = 200;
const AGENT = "agent=runyard";
const NO_OBJECT = "0".repeat(40);

/** What a host says of its repository to whoever wants to push. */
export interface Refs {
  /** Ids of commits by the full names of refs. */
  ids: ReadonlyMap<string, string>;
}

/** One repository at a host of git over HTTPS, as its credential sees it. */
export class Remote {
  readonly #url: string;
  readonly #authorization: string;
  readonly #hidden: readonly string[];
  readonly #net: PublicNet;
  readonly #signal: AbortSignal;

  /** @throws {DeliveryFault} if the address or the credential is none */
  constructor(
    { url, credential, signal }: { url: string; credential: string; signal: AbortSignal },
    net: PublicNet,
  ) {
    this.#url = url.replace(/\/+$/, "");
    this.#net = net;
    this.#signal = signal;
    const { protocol, port, username, search, hash } = URL.parse(url) ?? {};
    if (protocol !== "https:" || username || search || hash) {
      throw this.#refused("that is no address of a repository");
    }
    if (port) throw this.#refused("only port 443 of a host can be reached");
    const { authorization } = credentialOf(credential) ?? {};
    if (authorization === undefined) {
      throw this.#refused("its credential is neither TOKEN nor USER:TOKEN");
    }
    this.#authorization = authorization;
    this.#hidden = hiddenOf(credential);
  }

  /** @throws {DeliveryFault} */
  async refs(): Promise<Refs> {
    const lines = await this.#lines({ service: "git-receive-pack", isAdvertised: true });
    const ids = new Map<string, string>();
    for (const line of lines) {
      const [, id, name] = /^([0-9a-f]{40}) ([^\0]+)/.exec(textOf(line ?? FLUSH)) ?? [];
      if (id !== undefined && name !== undefined) ids.set(name, id);
    }
    const isGit = lines.some((line) => line && textOf(line).includes("report-status"));
    if (!isGit) throw this.#refused("what answers there takes no pushes of git with SHA-1");
    return { ids };
  }

  /**
   * Commits with their folders, without history and, where the host can, without what is in files.
   *
   * @returns undefined: the host no longer has one of them
   * @throws {DeliveryFault}
   */
  async commits(ids: readonly string[]): Promise<GitObjects | undefined> {
    const service = "git-upload-pack";
    const told = (await this.#lines({ service, isAdvertised: true })).map((line) =>
      line === null ? "" : textOf(line),
    );
    if (!told.includes("version 2"))
      throw this.#refused("its host knows no version 2 of git's protocol");
    const canFilter = told.some((line) => /^fetch=.*\bfilter\b/.test(line));
    const wanted = ids.map((id) => pktLine(`want ${id}`));
    const filter = canFilter ? [pktLine("filter blob:none")] : [];
    const body = Buffer.concat([
      ...[pktLine("command=fetch"), pktLine(AGENT), DELIMITER, pktLine("no-progress"), ...wanted],
      ...[pktLine("deepen 1"), ...filter, pktLine("done"), FLUSH],
    ]);
    const lines = await this.#lines({ service, body, mostBytes: DELIVERY.packBytes });
    const fault = lines.find((line) => line && /^ERR /.test(textOf(line)));
    if (fault && /not our ref|missing|not found/i.test(textOf(fault))) return undefined;
    if (fault) throw this.#refused(`its host says ${this.#words(textOf(fault).slice(4))}`);
    return this.#understood(() => objectsIn(packIn(lines), DELIVERY.unpackedBytes));
  }

  /**
   * Moves a ref from one commit to another, if it is still there.
   *
   * @param from undefined: there is none yet
   * @returns why the host does not; undefined: it has
   * @throws {DeliveryFault}
   */
  async push(
    ref: string,
    { from = NO_OBJECT, to, pack }: { from?: string | undefined; to: string; pack: Buffer },
  ): Promise<string | undefined> {
    const command = pktLine(`${from} ${to} ${ref}\0report-status ${AGENT}`);
    const body = Buffer.concat([command, FLUSH, pack]);
    const lines = await this.#lines({ service: "git-receive-pack", body });
    const said = lines.flatMap((line) => (line === null ? [] : [textOf(line)]));
    if (said.includes("unpack ok") && said.includes(`ok ${ref}`)) return undefined;
    const why = said.find((line) => line.startsWith("ng ")) ?? said.find((line) => line !== "");
    return this.#words((why ?? "nothing").replace(`ng ${ref} `, ""));
  }

  /** That the repository cannot be pushed to. `why` ends a sentence. */
  #refused(why: string, { cause, wait }: { cause?: unknown; wait?: number } = {}): DeliveryFault {
    const message = `The repository ${this.#url} cannot be pushed to: ${why}.`;
    return new DeliveryFault(message, { cause, retryAfterSeconds: wait });
  }

  /** A host's words, without what nobody may see. */
  #words(text: string): string {
    const shown = this.#hidden.reduce((rest, hidden) => rest.replaceAll(hidden, "…"), text);
    return preview(shown, WORDS);
  }

  #understood<T>(read: () => T): T {
    try {
      return read();
    } catch (cause) {
      if (cause instanceof RangeError) throw this.#refused(TOO_LARGE, { cause });
      if (cause instanceof SyntaxError) {
        throw this.#refused("what its host answers is not git's", { cause });
      }
      throw cause;
    }
  }

  async #lines({ service, isAdvertised, body, mostBytes }: Asking): Promise<(Buffer | null)[]> {
    const most = mostBytes ?? DELIVERY.refsBytes;
    const place = isAdvertised ? `info/refs?service=${service}` : service;
    const sent = body && { "content-type": `application/x-${service}-request` };
    const version = service === "git-upload-pack" && { "git-protocol": "version=2" };
    const answer = await this.#answer(place, {
      headers: { ...sent, ...version, authorization: this.#authorization },
      ...(body && { body, method: "POST" as const }),
      take: (response) => this.#contentOf(response, most),
    });
    return this.#understood(() => [...pktLinesIn(answer)]);
  }

  async #answer(
    place: string,
    asking: Omit<Parameters<typeof askPublicly<Buffer>>[2], "signal">,
  ): Promise<Buffer> {
    const inTime = AbortSignal.timeout(DELIVERY.pushCall * 1000);
    const signal = AbortSignal.any([inTime, this.#signal]);
    try {
      return await askPublicly(this.#net, new URL(`${this.#url}/${place}`), { ...asking, signal });
    } catch (cause) {
      if (cause instanceof DeliveryFault) throw cause;
      if (cause instanceof NoPublicAddress) {
        throw this.#refused("its host has no public address", { cause });
      }
      const why = signal.aborted ? "it does not answer in time" : "it cannot be reached";
      throw this.#refused(why, { cause, wait: 0 });
    }
  }

  async #contentOf(response: IncomingMessage, most: number): Promise<Buffer> {
    const { statusCode: status = 0, headers } = response;
    if (status !== 200) throw this.#statusFault(status, headers["retry-after"]);
    const pieces: Buffer[] = [];
    let bytes = 0;
    for await (const piece of response) {
      bytes += (piece as Buffer).length;
      if (bytes > most) throw this.#refused(TOO_LARGE);
      pieces.push(piece as Buffer);
    }
    return Buffer.concat(pieces);
  }

  #statusFault(status: number, retryAfter: string | undefined): DeliveryFault {
    if (status >= 300 && status < 400) {
      return this.#refused("it answers with a redirect; name the address that this leads to");
    }
    const why = STATUSES[status] ?? `it answers ${status}`;
    const isPassing = status >= 500 || status === 429 || status === 408;
    return this.#refused(why, isPassing ? { wait: Math.min(Number(retryAfter) || 0, DAY) } : {});
  }
}

interface Asking {
  service: "git-receive-pack" | "git-upload-pack";
  /** What it can and has is asked, in the place of `body`. */
  isAdvertised?: true;
  body?: Buffer;
  mostBytes?: number;
}

const DAY = 24 * 3600;

const TOO_LARGE =
  "what its host sends is larger than is read here; where it leaves no files out (uploadpack.allowFilter) a repository can be too large";

const STATUSES: Readonly<Record<number, string>> = {
  401: "its host does not accept the credential (401)",
  403: "its host does not let the credential write there (403)",
  404: "there is none, or the credential may not see it (404)",
};

/** @throws {SyntaxError} if there is none */
function packIn(lines: readonly (Buffer | null)[]): Buffer {
  const start = lines.findIndex((line) => line && textOf(line) === "packfile");
  if (start < 0) throw new SyntaxError("no pack");
  const pieces = lines
    .slice(start + 1)
    .flatMap((line) => (line?.[0] === 1 ? [line.subarray(1)] : []));
  return Buffer.concat(pieces);
}
