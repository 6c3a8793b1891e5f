import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import {
  type Answer,
  type Body,
  type Commit,
  compared,
  emptyGit,
  FIRST,
  filesAt,
  notFound,
  ofGit,
  push,
  refusal,
} from "./loopback-git.ts";

interface Pull {
  number: number;
  html_url: string;
  state: string;
  draft: boolean;
  merged_at: string | null;
  title: string;
  body: string;
  head: string;
  base: string;
  reviewers: string[];
  labels: string[];
}
interface Comment {
  id: number;
  body: string;
  performed_via_github_app: { id: number } | null;
}

export const APP_ID = 4711;
const ORG = "more";
const NAME = "site";
const REPO = `/repos/${ORG}/${NAME}`;

/**
 * As much of GitHub's REST API as a delivery calls, over a repository in which an App is installed,
 * and others beside it, with the answers that GitHub documents: https://docs.github.com/en/rest.
 */
export async function startGithub() {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const state = emptyGithub();
  const others = new Map<string, State>();
  const asked: string[] = [];
  /** Answers instead of what would be answered, by method and path. */
  const instead = new Map<string, Answer[]>();
  /** Whose repository a path is about, and the path as if there were one. */
  const placed = (path: string) => {
    const [all = "", name = ""] = /^\/repos\/more\/([^/]+)/.exec(path) ?? [];
    const of = others.get(name);
    return of ? { of, own: REPO + path.slice(all.length) } : { of: state, own: path };
  };
  const isOfApp = ({ headers: { authorization = "" } }: IncomingMessage): boolean => {
    const [head = "", claims = "", signature = ""] = authorization
      .replace(/^bearer /i, "")
      .split(".");
    const key = createPublicKey(publicKey.export({ type: "spki", format: "pem" }));
    const bytes = Buffer.from(signature, "base64url");
    const { iss } = JSON.parse(Buffer.from(claims, "base64url").toString() || "{}");
    const isSigned = verify("sha256", Buffer.from(`${head}.${claims}`), key, bytes);
    return isSigned && String(iss) === String(APP_ID);
  };
  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://github");
    const path = decodeURIComponent(pathname);
    const method = request.method ?? "GET";
    const body: Body = method === "GET" ? undefined : await json(request);
    asked.push(`${method} ${path}`);
    const planned = instead.get(`${method} ${path}`)?.shift();
    if (planned !== undefined) return planned;
    const { of, own } = placed(path);
    if (/\/installation$|access_tokens$/.test(path)) {
      return isOfApp(request) ? ofApp(state, own, body) : refusal(401, "Bad credentials");
    }
    const isOpened = request.headers.authorization === `token ${state.token}`;
    if (!isOpened) return refusal(401, "Bad credentials");
    return answerOfRepository(of, { method, path: own, body, query: searchParams });
  };
  const server = createServer((request, response) => {
    answer(request)
      .then((one) => send(response, one))
      .catch((error: unknown) => send(response, refusal(500, String(error))));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    appId: String(APP_ID),
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    repository: `https://github.com/${ORG}/${NAME}.git`,
    state,
    /** Each call, in order: method and path. */
    asked,
    instead,
    filesAt: (branch: string) => filesAt(state, branch),
    /** Has another repository, with a commit at which its trunk is. */
    add(name: string, sha: string, files: Record<string, string>): State {
      const other = { ...emptyGithub(), name };
      others.set(name, other);
      beginAt(other, sha, files);
      return other;
    },
    /** Has a commit, at which its trunk is. */
    begin: (sha: string, files: Record<string, string>) => beginAt(state, sha, files),
    /** A commit of somebody else's on a branch. */
    push: (branch: string, files: Record<string, string>) => push(state, branch, files),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Has a commit, at which its trunk is. */
export function beginAt(state: State, sha: string, files: Record<string, string>): void {
  state.refs.set("heads/trunk", FIRST);
  const made = push(state, "trunk", files);
  state.commits.set(sha, state.commits.get(made) as Commit);
  state.refs.set("heads/trunk", sha);
}

export type LoopbackGithub = Awaited<ReturnType<typeof startGithub>>;

/** What a GitHub has in the beginning. */
export function emptyGithub() {
  return {
    name: NAME,
    token: "ghs_the-token-that-nobody-may-see",
    isInstalled: true,
    /** Who may what, by login. */
    permissions: new Map<string, "admin" | "write" | "read" | "none">(),
    mergeable: [] as (boolean | null)[],
    /** What tokens were asked for. */
    tokens: [] as Body[],
    ...emptyGit(),
    pulls: [] as Pull[],
    checks: [] as Body[],
    comments: [] as Comment[],
  };
}

type State = ReturnType<typeof emptyGithub>;

function send(response: ServerResponse, { status, body, headers }: Answer): void {
  const content = body === undefined ? "" : JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers });
  response.end(content);
}

function ofApp(state: State, path: string, body: Body): Answer {
  if (path === `${REPO}/installation` && state.isInstalled) {
    return { status: 200, body: { id: 99, app_id: APP_ID } };
  }
  if (path !== "/app/installations/99/access_tokens") return notFound();
  state.tokens.push(body);
  return { status: 201, body: { token: state.token, expires_at: "2100-01-01T00:00:00Z" } };
}

interface Call {
  method: string;
  path: string;
  body: Body;
  query: URLSearchParams;
}

/** What is answered to a call about the repository by whoever has its token. */
export function answerOfRepository(state: State, call: Call): Answer {
  const [, login] = /\/collaborators\/([^/]+)\/permission$/.exec(call.path) ?? [];
  if (login !== undefined) {
    const permission = state.permissions.get(login);
    return permission ? { status: 200, body: { permission, user: { login } } } : notFound();
  }
  if (call.path === REPO) return { status: 200, body: { default_branch: "trunk" } };
  const rest = call.path.slice(REPO.length + 1);
  if (!call.path.startsWith(`${REPO}/`)) return notFound();
  if (rest.startsWith("compare/")) return compared(state, rest.slice(8).split("..."));
  if (rest.startsWith("git/")) return ofGit(state, { ...call, path: rest.slice(4) });
  if (rest.startsWith("pulls")) return ofPulls(state, { ...call, path: rest });
  if (rest.startsWith("issues/")) return ofIssues(state, { ...call, path: rest.slice(7) });
  return ofChecks(state, { ...call, path: rest });
}

function ofPulls(state: State, { method, path, body, query }: Call): Answer {
  const { pulls } = state;
  const [, number, part] = path.split("/");
  if (number === undefined && method === "GET") {
    const head = query.get("head")?.replace(`${ORG}:`, "");
    return {
      status: 200,
      body: pulls
        .filter((pull) => pull.head === head)
        .toReversed()
        .map(shown),
    };
  }
  if (number === undefined) {
    const isThere = pulls.some(({ head, state: is }) => head === body.head && is === "open");
    if (isThere) {
      const message = `A pull request already exists for ${ORG}:${body.head}.`;
      return { status: 422, body: { message: "Validation Failed", errors: [{ message }] } };
    }
    const { title, body: text, head, base, draft = false } = body;
    const made = pulls.length + 1;
    const html_url = `https://github.com/${ORG}/${state.name}/pull/${made}`;
    const more = { merged_at: null, reviewers: [], labels: [] };
    pulls.push({
      number: made,
      html_url,
      state: "open",
      draft,
      title,
      body: text,
      head,
      base,
      ...more,
    });
    return { status: 201, body: shown(pulls.at(-1) as Pull) };
  }
  const pull = pulls[Number(number) - 1];
  if (pull === undefined) return notFound();
  if (part === "requested_reviewers") {
    if (body.reviewers.includes("nobody")) {
      return refusal(422, "Reviews may only be requested from collaborators.");
    }
    pull.reviewers = [...new Set([...pull.reviewers, ...body.reviewers])];
    return { status: 201, body: pull };
  }
  const mergeable = state.mergeable.length > 0 ? state.mergeable.shift() : true;
  return { status: 200, body: { ...shown(pull), mergeable } };
}

/** As GitHub shows it. */
const shown = (pull: Pull) => ({ ...pull, base: { ref: pull.base } });

function ofIssues(state: State, { method, path, body }: Call): Answer {
  const { pulls, comments } = state;
  const [number, part] = path.split("/");
  if (number === "comments") {
    const comment = comments.find(({ id }) => id === Number(part));
    if (!comment) return notFound();
    comment.body = body.body;
    return { status: 200, body: comment };
  }
  const pull = pulls[Number(number) - 1];
  if (pull === undefined) return notFound();
  if (part === "labels") {
    pull.labels = [...new Set([...pull.labels, ...body.labels])];
    return { status: 200, body: [] };
  }
  if (method === "GET") return { status: 200, body: comments };
  const comment = {
    id: comments.length + 1,
    body: body.body,
    performed_via_github_app: { id: APP_ID },
  };
  comments.push(comment);
  return { status: 201, body: comment };
}

function ofChecks({ checks }: State, { method, path, body }: Call): Answer {
  if (method === "GET") {
    const sha = path.split("/")[1];
    const check_runs = checks.filter((one) => one.head_sha === sha);
    return { status: 200, body: { total_count: check_runs.length, check_runs } };
  }
  checks.push({ id: checks.length + 1, ...body });
  return { status: 201, body: checks.at(-1) };
}
