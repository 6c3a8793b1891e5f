import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { pipeline } from "node:stream/promises";
import { listenOnSocket, type RunningProxy } from "../sandbox/unix-server.ts";
import type { Credential } from "./credential.ts";
import { placeOf, type Read, readOf } from "./reads.ts";
import { askHost, type RepositoryAccess, Unreachable } from "./upstream.ts";

export interface RepositoryProxyOptions {
  /** Where to listen: the path of a unix socket. */
  socketPath: string;
  /** The repository that may be read. */
  url: string;
  /** What its host wants to see. It is told to that host and nobody else. */
  credential?: Credential | undefined;
  access: RepositoryAccess;
}

export interface RepositoryProxy extends RunningProxy {
  /** Why the last request got nothing, as the end of a sentence; undefined: it got something. */
  fault(): string | undefined;
}

/**
 * Git's only way out of the sandbox while a repository is checked out, and what has the credential.
 *
 * Git speaks to it without TLS, as to a proxy. Nothing is forwarded: a request is one by which git reads the
 * repository, and is made anew with the credential, over TLS that begins here; so is the head of each
 * answer. A redirect is followed within the host alone.
 */
export async function startRepositoryProxy(
  options: RepositoryProxyOptions,
): Promise<RepositoryProxy> {
  const proxy: Proxy = { ...options, moved: new Map(), fault: undefined };
  const server = createServer((request, response) => {
    read(proxy, request, response).catch((error: unknown) => {
      proxy.fault = error instanceof Unreachable ? error.message : "its host ended the connection";
      refuse(response, 502, proxy.fault);
    });
  });
  const running = await listenOnSocket(server, options.socketPath);
  return { ...running, fault: () => proxy.fault };
}

interface Proxy extends Omit<RepositoryProxyOptions, "socketPath"> {
  /** Paths of repositories that their host has given another one since. */
  moved: Map<string, string>;
  fault: string | undefined;
}

async function read(
  proxy: Proxy,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const wanted = readOf(request.method, request.url);
  const place = placeOf(proxy.url);
  if (!wanted || wanted.host !== place?.host || wanted.repository !== place.repository) {
    proxy.fault = "git asked for something else than to read it";
    return refuse(response, 403, "Only the repository may be read here.");
  }
  const answer = await follow(proxy, wanted, { request, response });
  const { statusCode: status = 0 } = answer;
  if (status !== 200) {
    answer.destroy();
    // What a folder of files does not have is no fault: git looks for it in another file.
    if (wanted.kind !== "file") proxy.fault = faultOf(status, proxy.credential !== undefined);
    return refuse(response, status >= 400 ? status : 502, "The host refuses.");
  }
  proxy.fault = undefined;
  response.writeHead(200, kept(answer.headers, ANSWER_HEADERS));
  await pipeline(answer, response).catch(() => response.destroy());
}

const MOST_REDIRECTS = 5;

/** Asks for what is wanted where it is now. */
async function follow(
  proxy: Proxy,
  { host, repository, kind, suffix }: Read,
  { request, response }: { request: IncomingMessage; response: ServerResponse },
): Promise<IncomingMessage> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects += 1) {
    const path = proxy.moved.get(repository) ?? repository;
    const target = new URL(`https://${host.includes(":") ? `[${host}]` : host}${path}${suffix}`);
    const { credential } = proxy;
    const answer = await askHost(
      target,
      {
        method: kind === "pack" ? "POST" : "GET",
        headers: {
          ...kept(request.headers, REQUEST_HEADERS),
          ...(credential && { authorization: credential.authorization }),
        },
        ...(kind === "pack" && { body: request }),
        signal: gone.signal,
      },
      proxy.access,
    );
    const { statusCode: status = 0, headers } = answer;
    if (status < 300 || status > 399 || kind !== "refs") return answer;
    answer.destroy();
    proxy.moved.set(repository, newPath(target, suffix, headers.location));
  }
  throw new Unreachable("its host sends git in circles");
}

/** @throws {Unreachable} if a redirect leads away from the host, or to what is no repository */
function newPath(from: URL, suffix: string, location = ""): string {
  const to = URL.parse(location, from.href);
  if (to?.origin !== from.origin || !`${to.pathname}${to.search}`.endsWith(suffix)) {
    throw new Unreachable(
      "its host sends git to another one, or to a page: name the address that it has now",
    );
  }
  return to.pathname.slice(0, -"/info/refs".length);
}

/** Headers of git's requests that say how, not what, … */
const REQUEST_HEADERS: Readonly<Record<string, RegExp>> = {
  accept: /^[\w*/+., =;-]{1,200}$/,
  "accept-encoding": /^[\w*., =;-]{1,100}$/,
  "content-encoding": /^gzip$/,
  "content-length": /^\d{1,15}$/,
  "content-type": /^application\/x-git-upload-pack-request$/,
  "git-protocol": /^version=[0-2]$/,
  "user-agent": /^git\/[\w.() -]{1,100}$/,
};
/** … and of the answers to them. */
const ANSWER_HEADERS: Readonly<Record<string, RegExp>> = {
  "content-encoding": /^(gzip|deflate)$/,
  "content-type": /^[\w/+.=; -]{1,200}$/,
};

const kept = (
  headers: IncomingHttpHeaders,
  form: Readonly<Record<string, RegExp>>,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(form).flatMap(([name, pattern]) => {
      const value = headers[name];
      return typeof value === "string" && pattern.test(value) ? [[name, value]] : [];
    }),
  );

/** What a host's refusal means to whoever named the repository. */
function faultOf(status: number, hasCredential: boolean): string {
  if (!hasCredential) {
    return [401, 403, 404].includes(status)
      ? "there is none, or it is not public; a private one needs a credential"
      : `its host answers ${status}`;
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
