import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import type { Credential } from "../../../shared/agent/credential.ts";
import { listenOnSocket, type RunningProxy } from "../sandbox/unix-server.ts";
import { ANSWER_HEADERS, kept, REQUEST_HEADERS } from "./headers.ts";
import { askForDownloads, type Downloads, openDownload } from "./lfs.ts";
import { isOpened } from "./opened.ts";
import { placeOf, REFS, type Read, readOf, withGit } from "./reads.ts";
import { type Asking, askHost, movedTo, type RepositoryAccess, Unreachable } from "./upstream.ts";

export interface RepositoryProxyOptions {
  /** Where to listen: the path of a unix socket. */
  socketPath: string;
  /** The repository that may be read. */
  url: string;
  /** What its host wants to see. It is told to that host and nobody else. */
  credential?: Credential | undefined;
  /**
   * Submodules may be read as well, as everybody may: on the repository's own host and on these.
   * Undefined: they may not.
   */
  submoduleHosts?: readonly string[] | undefined;
  /** Those that are read with the credential; see {@link isOpened}. Default: none. */
  opened?: readonly string[] | undefined;
  /** Whether files of Git LFS may be read as well, of whatever may be read. Default: no. */
  hasLfs?: boolean | undefined;
  access: RepositoryAccess;
}

export interface RepositoryProxy extends RunningProxy {
  /** Whether its host lets the repository be read now, as git will ask it. */
  isReadable(): Promise<boolean>;
  /** Bytes that the repository's host has sent of it. */
  received(): number;
  /** Why the repository gave nothing when it was asked last, as the end of a sentence, … */
  fault(): string | undefined;
  /** … and why others did, by their addresses. */
  otherFaults(): Map<string, string>;
}

/**
 * Git's only way out of the sandbox while a repository is checked out, and what has the credential.
 *
 * Git speaks to it without TLS, as to a proxy. Nothing is forwarded: a request is one by which git
 * reads the repository, and is made anew with the credential, over TLS that begins here; so is the
 * head of each answer. A redirect is followed within the host alone.
 */
export async function startRepositoryProxy(
  options: RepositoryProxyOptions,
): Promise<RepositoryProxy> {
  const proxy: Proxy = {
    ...options,
    moved: new Map(),
    faults: new Map(),
    downloads: new Map(),
    received: 0,
  };
  const server = createServer((request, response) => {
    const asked = readOf(request.method, request.url);
    if (asked === undefined) return refuse(response, 403, "Repositories may only be read here.");
    const wanted = isOfLfs(asked) ? withoutGit(proxy, asked) : asked;
    const reading = isOfLfs(asked) ? readLfs : read;
    reading(proxy, wanted, { request, response }).catch((error: unknown) => {
      const why = error instanceof Unreachable ? error.message : "its host ended the connection";
      proxy.faults.set(addressOf(wanted), why);
      refuse(response, 502, why);
    });
  });
  const running = await listenOnSocket(server, options.socketPath);
  const place = placeOf(options.url);
  const own = place === undefined ? "" : addressOf(place);
  return {
    ...running,
    isReadable: () => isReadable(proxy),
    received: () => proxy.received,
    fault: () => proxy.faults.get(own),
    otherFaults: () => new Map([...proxy.faults].filter(([address]) => address !== own)),
  };
}

interface Proxy extends Omit<RepositoryProxyOptions, "socketPath"> {
  /**
   * Where repositories are by now that their host has moved; by their addresses, as git knows them.
   */
  moved: Map<string, string>;
  faults: Map<string, string>;
  downloads: Downloads;
  received: number;
}

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
}

const addressOf = ({ host, repository }: Pick<Read, "host" | "repository">): string =>
  `https://${host.includes(":") ? `[${host}]` : host}${repository}`;

async function read(proxy: Proxy, wanted: Read, exchange: Exchange): Promise<void> {
  const { response } = exchange;
  const address = addressOf(wanted);
  const grant = grantOf(proxy, wanted);
  if (grant === undefined) {
    proxy.faults.set(address, "its host is not among allowedHosts");
    return refuse(response, 403, "This repository may not be read here.");
  }
  const { request } = exchange;
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const answer = await follow(proxy, wanted, {
    headers: {
      ...kept(request.headers, REQUEST_HEADERS),
      ...(grant.credential && { authorization: grant.credential.authorization }),
    },
    ...(wanted.kind === "pack" && { body: request }),
    signal: gone.signal,
  });
  const { statusCode: status = 0 } = answer;
  if (status !== 200) {
    answer.destroy();
    // What a folder of files does not have is no fault: git looks for it in another file.
    if (wanted.kind !== "file") {
      proxy.faults.set(address, faultOf(status, proxy, grant));
    }
    return refuse(response, status >= 400 ? status : 502, "The host refuses.");
  }
  proxy.faults.delete(address);
  response.writeHead(200, kept(answer.headers, ANSWER_HEADERS));
  const content = isOwn(proxy, wanted) ? counted(answer, proxy) : answer;
  await pipeline(content, response).catch(() => response.destroy());
}

async function* counted(content: AsyncIterable<Buffer>, proxy: Proxy): AsyncGenerator<Buffer> {
  for await (const chunk of content) {
    proxy.received += chunk.length;
    yield chunk;
  }
}

const isOwn = ({ url }: Proxy, { host, repository }: Read): boolean => {
  const own = placeOf(url);
  return own?.host === host && own.repository === repository;
};

const READABLE_MS = 30_000;

/** Asks as git begins: a host that says who may read says it then. What it says is told to git. */
async function isReadable(proxy: Proxy): Promise<boolean> {
  const place = placeOf(proxy.url);
  if (place === undefined) return false;
  const { credential } = proxy;
  const authorization = credential && { authorization: credential.authorization };
  try {
    const answer = await follow(
      proxy,
      { ...place, kind: "refs", suffix: REFS },
      {
        headers: { "git-protocol": "version=2", "user-agent": "git/2", ...authorization },
        signal: AbortSignal.timeout(READABLE_MS),
      },
    );
    answer.destroy();
    return answer.statusCode === 200;
  } catch (error) {
    if (error instanceof Unreachable) return false;
    throw error;
  }
}

/** As whom a repository may be read. */
interface Grant {
  credential?: Credential | undefined;
}

/**
 * What a repository names as its submodules is its own word: only what the run names is read with
 * the credential.
 *
 * @returns undefined: it may not be read.
 */
function grantOf(proxy: Proxy, wanted: Read): Grant | undefined {
  const { url, credential, submoduleHosts, opened = [] } = proxy;
  const { host, repository } = placeOf(url) ?? {};
  if (wanted.host === host) {
    if (wanted.repository === repository) return { credential };
    if (submoduleHosts === undefined) return undefined;
    return isOpened(wanted, opened) ? { credential } : {};
  }
  const isAllowed = submoduleHosts?.some((each) => each.toLowerCase() === wanted.host);
  return isAllowed ? {} : undefined;
}

const isOfLfs = ({ kind }: Read): boolean => kind === "batch" || kind === "object";

/** Git LFS gives a repository's path an end that it need not have. */
function withoutGit({ url }: Proxy, wanted: Read): Read {
  const own = placeOf(url);
  const isOwn = own?.host === wanted.host && withGit(own.repository) === wanted.repository;
  return isOwn ? { ...wanted, ...own } : wanted;
}

/**
 * Says where files of Git LFS are, which is here, and passes on what is where the host says that
 * they are. A fault stays: Git LFS asks for many files at once.
 */
async function readLfs(proxy: Proxy, wanted: Read, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const { hasLfs = false, access, downloads } = proxy;
  const grant = hasLfs ? grantOf(proxy, wanted) : undefined;
  if (grant === undefined) return refuse(response, 403, "Files of Git LFS may not be read here.");
  const address = addressOf(wanted);
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const asking = { address, credential: grant.credential, signal: gone.signal };
  if (wanted.kind === "batch") {
    const now = new URL(withGit(proxy.moved.get(address) ?? address));
    const places = `${withGit(address).replace(/^https:/, "http:")}/info/lfs/objects/`;
    const body = await askForDownloads(
      downloads,
      {
        ...asking,
        target: new URL(`${now.href}${wanted.suffix}`),
        question: request,
        hrefOf: (oid) => `${places}${oid}`,
      },
      access,
    );
    response.writeHead(200, { "content-type": LFS_TYPE }).end(body);
    return;
  }
  const oid = wanted.suffix.slice(wanted.suffix.lastIndexOf("/") + 1);
  const download = await openDownload(downloads, { ...asking, oid }, access);
  if (download === undefined) return refuse(response, 404, "Its host was not asked for this file.");
  response.writeHead(200, { "content-length": download.size });
  await pipeline(download.content, download.check, response);
}

const LFS_TYPE = "application/vnd.git-lfs+json";

const MOST_REDIRECTS = 5;

/** Asks for what is wanted where it is now. */
async function follow(
  proxy: Proxy,
  wanted: Read,
  { body, ...asking }: Omit<Asking, "method">,
): Promise<IncomingMessage> {
  const { kind, suffix } = wanted;
  const known = addressOf(wanted);
  const sent = {
    ...asking,
    ...(body ? { method: "POST" as const, body } : { method: "GET" as const }),
  };
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects += 1) {
    const target = new URL(`${proxy.moved.get(known) ?? known}${suffix}`);
    const answer = await askHost(target, sent, proxy.access);
    const { statusCode: status = 0 } = answer;
    if (status < 300 || status > 399 || kind !== "refs") return answer;
    answer.destroy();
    proxy.moved.set(known, movedTo(target, suffix, answer.headers.location));
  }
  throw new Unreachable("its host sends git in circles");
}

/** What a host's refusal means to whoever named the repository. */
function faultOf(status: number, { credential }: Proxy, grant: Grant): string {
  if (grant.credential === undefined) {
    if (![401, 403, 404].includes(status)) return `its host answers ${status}`;
    return credential === undefined
      ? "there is none, or it is not public; a private one needs a credential"
      : "there is none, or it is not public; the credential opens what credential.submodules names";
  }
  const faults: Readonly<Record<number, string>> = {
    401: "its host does not accept the credential (401): look whether it is a valid token, and has the user's name before it where the host wants one",
    403: "its host does not let the credential read it (403): give that read access to the repository",
    404: "there is none, or the credential may not read it (404)",
  };
  return faults[status] ?? `its host answers ${status}`;
}

function refuse(response: ServerResponse, status: number, reason: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { "content-type": "text/plain", connection: "close" });
  response.end(`${reason}\n`);
}
