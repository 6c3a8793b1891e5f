import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { RepositoryAccess } from "../../../../infra/agent/repository/upstream.ts";
import { lfsStore } from "./lfs-store.ts";

const HOST = "git.example";
/** Another's, which answers like the first. */
export const THIEF = "thief.example";
/** Opens `/private`, as whoever is called `x-access-token` or `deploy`. */
export const GIT_TOKEN = "git-token-that-nobody-may-see";
/**
 * Some address of the public Internet, which the name stands for; connections end up on loopback.
 */
const PUBLIC_ADDRESS = "93.184.215.14";
const GIT = {
  PATH: process.env["PATH"],
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  ...Object.fromEntries(
    ["AUTHOR", "COMMITTER"].flatMap((who) => [
      [`GIT_${who}_NAME`, "t"],
      [`GIT_${who}_EMAIL`, "t@invalid"],
    ]),
  ),
};

/** A request that arrived at it. */
interface Asked {
  host: string | undefined;
  method: string | undefined;
  url: string | undefined;
  authorization: string | undefined;
}

/**
 * One repository over HTTPS: at `/repository` through git's own server, at `/private` for {@link
 * GIT_TOKEN}, at `/dumb` as plain files; at `/forbidden` never allowed, at `/moved` a redirect to
 * the repository, at `/stolen` one to {@link THIEF}, at `/circle` one to itself, at `/page` a page,
 * at `/silent` never an answer, and at `/endless` one that never ends.
 */
export async function startGitServer() {
  const root = mkdtempSync(join(tmpdir(), "runyard-git-"));
  const { folder: work, git, commit } = makeRepository(join(root, "work"));
  const tls = certificate(root);
  const asked: Asked[] = [];
  const lfs = lfsStore(isOpened);
  const server = createServer(tls, (request, response) => {
    const { method, url, headers } = request;
    asked.push({ host: headers.host, method, url, authorization: headers.authorization });
    lfs
      .answer(request, response)
      .then((isDone) => (isDone ? undefined : answer(root, request, response)))
      .catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const access: RepositoryAccess = {
    authorities: tls.cert,
    resolve: async (host) => {
      if (host !== HOST && host !== THIEF) throw new Error(`getaddrinfo ENOTFOUND ${host}`);
      return [{ address: PUBLIC_ADDRESS, family: 4 }];
    },
    open: () => connect({ host: "127.0.0.1", port }),
  };
  return {
    access,
    /** What arrived, in its order. */
    asked,
    url: `https://${HOST}/repository`,
    /** Files of Git LFS, of all its repositories. */
    lfs,
    /** Its work tree. */
    folder: work,
    git,
    commit,
    /**
     * Makes another repository, at `/more/NAME` for everybody and at `/locked/NAME` for the token.
     */
    add: (name: string) => makeRepository(join(root, name)),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await rm(root, { recursive: true });
    },
  };
}

function makeRepository(folder: string) {
  const git = (...args: string[]): string =>
    execFileSync("git", ["-C", folder, ...args], { env: GIT })
      .toString()
      .trim();
  execFileSync("git", ["init", "-q", "-b", "trunk", folder], { env: GIT });
  git("config", "uploadpack.allowAnySHA1InWant", "true");
  /** Makes a commit of the files; null deletes one. */
  const commit = (files: Readonly<Record<string, string | Buffer | null>>): string => {
    for (const [name, content] of Object.entries(files)) {
      if (content === null) git("rm", "-q", name);
      else writeFileSync(join(folder, name), content);
    }
    git("add", "-A");
    git("commit", "-q", "-m", "change");
    git("update-server-info");
    return git("rev-parse", "HEAD");
  };
  return {
    folder,
    git,
    commit,
    /** Makes a commit with submodules: by their paths an address and a commit. */
    embed(modules: Readonly<Record<string, [url: string, commit: string]>>): string {
      const lines = Object.entries(modules).map(
        ([path, [url]]) => `[submodule "${path}"]\n\tpath = ${path}\n\turl = ${url}\n`,
      );
      writeFileSync(join(folder, ".gitmodules"), lines.join(""));
      git("add", ".gitmodules");
      for (const [path, [, made]] of Object.entries(modules)) {
        git("update-index", "--add", "--cacheinfo", `160000,${made},${path}`);
      }
      git("commit", "-q", "-m", "submodules");
      return git("rev-parse", "HEAD");
    },
  };
}

/** A key and a certificate for both hosts, made in a folder. */
export function certificate(folder: string): { key: string; cert: string } {
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", `/CN=${HOST}`, "-addext", `subjectAltName=DNS:${HOST},DNS:${THIEF}`];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  execFileSync("openssl", ["req", ...kind, "-keyout", key, "-out", cert, ...subject], {
    stdio: "ignore",
  });
  return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
}

const redirect = (location: string) => (response: ServerResponse) => {
  response.writeHead(302, { location }).end();
};

/** What is at places where there is no repository. */
const OTHERS: Readonly<Record<string, (response: ServerResponse) => void>> = {
  forbidden: (response) => {
    response.writeHead(403).end();
  },
  moved: redirect(`https://${HOST}/repository/info/refs?service=git-upload-pack`),
  stolen: redirect(`https://${THIEF}/repository/info/refs?service=git-upload-pack`),
  circle: redirect("/circle/info/refs?service=git-upload-pack"),
  page: (response) => {
    response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html>\n");
  },
  silent: () => {},
  endless: (response) => {
    const line = `003e${"0".repeat(40)} refs/heads/${"x".repeat(5)}\n`.repeat(100);
    const more = () => {
      while (!response.destroyed && response.write(line)) {}
    };
    response.on("drain", more).write("001e# service=git-upload-pack\n0000");
    more();
  },
};

function isOpened({ headers: { authorization = "" } }: IncomingMessage): boolean {
  const pair = Buffer.from(authorization.replace(/^Basic /, ""), "base64").toString();
  return [`x-access-token:${GIT_TOKEN}`, `deploy:${GIT_TOKEN}`].includes(pair);
}

async function answer(root: string, request: IncomingMessage, response: ServerResponse) {
  const { pathname, search } = new URL(request.url ?? "/", `https://${HOST}`);
  const [, own, more, name = "work", rest] =
    /^\/(?:(repository|private|dumb)|(more|locked)\/([\w-]+))(\/.*)$/.exec(pathname) ?? [];
  const place = own ?? more;
  const other = OTHERS[pathname.split("/")[1] ?? ""];
  if (other !== undefined) {
    other(response);
    return;
  }
  if ((place === "private" || place === "locked") && !isOpened(request)) {
    response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
    return;
  }
  if (place === "dumb") {
    const content = await readFile(join(root, name, ".git", rest ?? "")).catch(() => undefined);
    response.writeHead(content ? 200 : 404).end(content);
    return;
  }
  if (place === undefined) {
    response.writeHead(404).end();
    return;
  }
  const backend = spawn("git", ["http-backend"], {
    stdio: ["pipe", "pipe", "ignore"],
    env: {
      ...GIT,
      GIT_PROJECT_ROOT: join(root, name),
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: `/.git${rest}`,
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers["content-type"],
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"],
      GIT_PROTOCOL: request.headers["git-protocol"] as string | undefined,
    },
  });
  request.pipe(backend.stdin);
  await pipeline(bodyOf(backend.stdout, response), response);
}

const HEAD_END = "\r\n\r\n";

/** What a CGI program answers, after its head, which goes to the response. */
async function* bodyOf(output: Readable, response: ServerResponse): AsyncGenerator<Buffer> {
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of output) {
    if (head === undefined) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf(HEAD_END);
    if (end < 0) continue;
    const headers = head.subarray(0, end).toString().split("\r\n");
    const pairs = headers.map((line) => line.split(": ") as [string, string]);
    const status = Number(pairs.find(([name]) => name === "Status")?.[1].slice(0, 3) ?? 200);
    response.writeHead(status, Object.fromEntries(pairs));
    yield head.subarray(end + HEAD_END.length);
    head = undefined;
  }
}
