import { createHash } from "node:crypto";

/** What is in a tree, by path. */
type Files = Map<string, { mode: string; sha: string }>;
export interface Commit {
  tree: string;
  parents: string[];
  message: string;
  author?: object;
}
// biome-ignore lint/suspicious/noExplicitAny: what a caller sent
export type Body = any;

export interface Answer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

export const FIRST = "1".repeat(40);

const idOf = (value: unknown): string =>
  createHash("sha1").update(JSON.stringify(value)).digest("hex");

export const refusal = (status: number, message: string, headers = {}): Answer => ({
  status,
  headers,
  body: { message, documentation_url: "https://docs.github.com/rest" },
});
export const notFound = () => refusal(404, "Not Found");

/** What a repository of GitHub has of git. */
export function emptyGit() {
  const tree = idOf([]);
  return {
    blobs: new Map<string, Buffer>(),
    trees: new Map<string, Files>([[tree, new Map()]]),
    commits: new Map<string, Commit>([[FIRST, { tree, parents: [], message: "first" }]]),
    refs: new Map<string, string>([["heads/trunk", FIRST]]),
  };
}

type State = ReturnType<typeof emptyGit>;

/** How one commit stands to another. */
export function compared({ commits }: State, [base = "", head = ""]: string[]): Answer {
  if (!commits.has(base) || !commits.has(head)) return notFound();
  if (base === head) return { status: 200, body: { status: "identical" } };
  const isWithin = (sha: string, of: string): boolean =>
    sha === of || (commits.get(of)?.parents ?? []).some((parent) => isWithin(sha, parent));
  const status = isWithin(base, head) ? "ahead" : isWithin(head, base) ? "behind" : "diverged";
  return { status: 200, body: { status } };
}

/** What GitHub's API of git's own database is asked. */
interface Call {
  method: string;
  /** After `git/`. */
  path: string;
  body: Body;
}

export function ofGit(state: State, { method, path, body }: Call): Answer {
  const [kind, ...names] = path.split("/");
  const name = names.join("/");
  const { refs, commits } = state;
  if (kind === "ref") {
    const sha = refs.get(name);
    return sha ? { status: 200, body: { ref: `refs/${name}`, object: { sha } } } : notFound();
  }
  if (kind === "commits" && method === "GET") {
    const commit = commits.get(name);
    if (!commit) return notFound();
    return { status: 200, body: { sha: name, ...commit, tree: { sha: commit.tree } } };
  }
  if (kind === "blobs") {
    const sha = blobOf(state, Buffer.from(body.content, body.encoding));
    return { status: 201, body: { sha } };
  }
  if (kind === "trees") return makeTree(state, body);
  if (kind === "commits") {
    const { message, tree, parents, author } = body;
    // Each is another: GitHub gives it the time.
    const sha = idOf([body, commits.size]);
    commits.set(sha, { message, tree, parents, ...(author && { author }) });
    return { status: 201, body: { sha, verification: { verified: author === undefined } } };
  }
  return setRef(state, { method, name, body });
}

function blobOf({ blobs }: State, content: Buffer): string {
  const sha = idOf(content.toString("base64"));
  blobs.set(sha, content);
  return sha;
}

function makeTree(state: State, body: Body): Answer {
  const files: Files = new Map(state.trees.get(body.base_tree));
  for (const { path, mode, sha, content } of body.tree) {
    if (sha === null && !files.delete(path)) return refusal(422, "GitRPC::BadObjectState");
    if (sha === null) continue;
    for (const other of [...files.keys()]) {
      if (other.startsWith(`${path}/`) || path.startsWith(`${other}/`)) files.delete(other);
    }
    files.set(path, { mode, sha: sha ?? blobOf(state, Buffer.from(content)) });
  }
  const sha = idOf([...files].sort());
  state.trees.set(sha, files);
  return { status: 201, body: { sha } };
}

function setRef(
  { refs, commits }: State,
  { method, name, body }: { method: string; name: string; body: Body },
): Answer {
  const ref = method === "POST" ? body.ref.replace("refs/", "") : name;
  const before = refs.get(ref);
  if (method === "POST" && before) return refusal(422, "Reference already exists");
  if (method === "PATCH" && !before) return refusal(422, "Reference does not exist");
  const isForward = !before || commits.get(body.sha)?.parents.includes(before);
  if (!isForward) return refusal(422, "Update is not a fast forward");
  refs.set(ref, body.sha);
  return { status: method === "POST" ? 201 : 200, body: { ref, object: { sha: body.sha } } };
}

export function filesAt({ refs, commits, trees, blobs }: State, branch: string) {
  const commit = commits.get(refs.get(`heads/${branch}`) ?? "");
  const files = trees.get(commit?.tree ?? "") ?? new Map();
  const entries = [...files].map(([path, { mode, sha }]) => [
    path,
    `${mode} ${blobs.get(sha)?.toString("latin1")}`,
  ]);
  return Object.fromEntries(entries.sort()) as Record<string, string>;
}

export function push(state: State, branch: string, files: Record<string, string>): string {
  const parent = state.refs.get(`heads/${branch}`) ?? FIRST;
  const before = state.trees.get(state.commits.get(parent)?.tree ?? "");
  const all: Files = new Map(before);
  for (const [path, content] of Object.entries(files)) {
    all.set(path, { mode: "100644", sha: blobOf(state, Buffer.from(content)) });
  }
  const tree = idOf([...all].sort());
  state.trees.set(tree, all);
  const sha = idOf([tree, parent, state.commits.size]);
  state.commits.set(sha, { tree, parents: [parent], message: "by hand" });
  state.refs.set(`heads/${branch}`, sha);
  return sha;
}
