import type { CommitEntry } from "../../shared/delivery/commit-file.ts";
import { commitMessageOf, whoseIs } from "../../shared/delivery/words.ts";
import { type Delivery, DeliveryFault } from "../services/repository-host.ts";
import { faultOf, statusOf } from "./faults.ts";
import type { Repository } from "./repository.ts";

/** Contents that go with a tree itself: text up to so many characters, */
const INLINE_LENGTH = 256 * 1024;
/** … and so many entries, with so many characters, in one tree. */
const PART = { entries: 200, length: 4 * 1024 * 1024 };

/** A commit, and the tree that it has. */
interface Commit {
  sha: string;
  tree: string;
}

/**
 * Brings what the run changed to its branch, as one commit on the run's base commit, or on that of
 * the turn before. Of a run that began with a newer base commit it merges that, too. One that is there already is found, by its message.
 *
 * @returns the branch's head; undefined: there is nothing to be committed
 * @throws {DeliveryFault}
 */
export async function bringToBranch(
  repository: Repository,
  delivery: Delivery,
): Promise<string | undefined> {
  const { run, owed, commit } = delivery;
  const before = await headOf(repository, owed.branch);
  if (before !== undefined) {
    const { runId, conversationId } = whoseIs(before.message);
    if (runId === run.id) return before.sha;
    if (conversationId !== run.conversation.id) {
      throw new DeliveryFault(
        `The branch ${owed.branch} has commits that are not this conversation's: name another with deliver.branch, or take them into a run of its own.`,
      );
    }
  }
  const base = await baseOf(repository, commit.base);
  const tree = await treeOf(repository, base.tree, commit.entries);
  const isOnBase = before === undefined || (await isWithin(repository, base.sha, before.sha));
  if (isOnBase && tree === (before ?? base).tree) return before?.sha;
  const parents = isOnBase ? [(before ?? base).sha] : [before.sha, base.sha];
  const head = await commitOf(repository, delivery, { tree, parents });
  await (before ? moveBranch : makeBranch)(repository, { branch: owed.branch, head, before });
  return head;
}

async function headOf(
  { at, request }: Repository,
  branch: string,
): Promise<(Commit & { message: string }) | undefined> {
  try {
    const ref = `heads/${branch}`;
    const { data } = await request("GET /repos/{owner}/{repo}/git/ref/{ref}", { ...at, ref });
    const { sha } = data.object;
    const found = await request("GET /repos/{owner}/{repo}/git/commits/{commit_sha}", {
      ...at,
      commit_sha: sha,
    });
    return { sha, tree: found.data.tree.sha, message: found.data.message };
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw faultOf(error, `show the branch ${branch}`);
  }
}

async function baseOf({ at, request }: Repository, sha: string): Promise<Commit> {
  try {
    const route = "GET /repos/{owner}/{repo}/git/commits/{commit_sha}";
    const { data } = await request(route, { ...at, commit_sha: sha });
    return { sha, tree: data.tree.sha };
  } catch (error) {
    if (statusOf(error) === 404) {
      const message = `The repository no longer has the commit ${sha}, which the run began with.`;
      throw new DeliveryFault(message, { cause: error });
    }
    throw faultOf(error, `show the commit ${sha}`);
  }
}

/** Whether a commit is one of those that another comes from, or that one. */
async function isWithin({ at, request }: Repository, sha: string, of: string): Promise<boolean> {
  try {
    const route = "GET /repos/{owner}/{repo}/compare/{basehead}";
    // What is on a further page than the first has no list of files.
    const page = { per_page: 1, page: 2 };
    const { data } = await request(route, { ...at, ...page, basehead: `${sha}...${of}` });
    return data.status === "ahead" || data.status === "identical";
  } catch (error) {
    throw faultOf(error, "compare the branch with the commit that the run began with");
  }
}

/** An entry of a tree, as GitHub takes it. */
interface TreeEntry {
  path: string;
  mode: "100644" | "100755" | "120000";
  type: "blob";
  /** Of a blob; null: it is gone. */
  sha?: string | null;
  content?: string;
}

/** Makes a tree of another and what has changed, part by part. @returns its id */
async function treeOf(
  repository: Repository,
  base: string,
  entries: readonly CommitEntry[],
): Promise<string> {
  let tree = base;
  let part: TreeEntry[] = [];
  let length = 0;
  const close = async () => {
    tree = await makeTree(repository, tree, part);
    part = [];
    length = 0;
  };
  for (const entry of entries) {
    const made = await entryOf(repository, entry);
    part.push(made);
    length += made.content?.length ?? 0;
    if (part.length >= PART.entries || length >= PART.length) await close();
  }
  if (part.length > 0) await close();
  return tree;
}

async function makeTree(
  { at, request }: Repository,
  base: string,
  tree: TreeEntry[],
): Promise<string> {
  try {
    const route = "POST /repos/{owner}/{repo}/git/trees";
    return (await request(route, { ...at, base_tree: base, tree })).data.sha;
  } catch (error) {
    throw faultOf(error, "take the changed files");
  }
}

async function entryOf({ at, request }: Repository, entry: CommitEntry): Promise<TreeEntry> {
  const { path } = entry;
  if ("gone" in entry) return { path, mode: "100644", type: "blob", sha: null };
  const { mode } = entry;
  if ("text" in entry && entry.text.length <= INLINE_LENGTH) {
    return { path, mode, type: "blob", content: entry.text };
  }
  const content = "text" in entry ? Buffer.from(entry.text).toString("base64") : entry.base64;
  try {
    const route = "POST /repos/{owner}/{repo}/git/blobs";
    const { data } = await request(route, { ...at, content, encoding: "base64" });
    return { path, mode, type: "blob", sha: data.sha };
  } catch (error) {
    throw faultOf(error, "take a changed file");
  }
}

async function commitOf(
  { at, request }: Repository,
  { run, owed: { deliver } }: Delivery,
  { tree, parents }: { tree: string; parents: string[] },
): Promise<string> {
  // GitHub signs a commit of an App that names nobody else.
  const { commitAuthor } = deliver;
  const message = commitMessageOf(run, deliver);
  const author = commitAuthor && { author: { ...commitAuthor } };
  try {
    const route = "POST /repos/{owner}/{repo}/git/commits";
    return (await request(route, { ...at, message, tree, parents, ...author })).data.sha;
  } catch (error) {
    throw faultOf(error, "make the commit");
  }
}

/** A branch that is to have a new head. */
interface Move {
  branch: string;
  head: string;
  /** What it was at. */
  before: Commit | undefined;
}

async function makeBranch(repository: Repository, move: Move): Promise<void> {
  const { at, request } = repository;
  try {
    const ref = `refs/heads/${move.branch}`;
    await request("POST /repos/{owner}/{repo}/git/refs", { ...at, ref, sha: move.head });
  } catch (error) {
    throw await refusalOf(repository, { ...move, error });
  }
}

async function moveBranch(repository: Repository, move: Move): Promise<void> {
  const { at, request } = repository;
  try {
    const [ref, sha] = [`heads/${move.branch}`, move.head];
    await request("PATCH /repos/{owner}/{repo}/git/refs/{ref}", { ...at, ref, sha, force: false });
  } catch (error) {
    throw await refusalOf(repository, { ...move, error });
  }
}

/** A branch that somebody has made or moved meanwhile is looked at again. */
async function refusalOf(
  repository: Repository,
  { branch, before, error }: Move & { error: unknown },
): Promise<unknown> {
  if (statusOf(error) === 422 && (await headOf(repository, branch))?.sha !== before?.sha) {
    const message = `The branch ${branch} has just been changed by somebody else.`;
    return new DeliveryFault(message, { cause: error, retryAfterSeconds: 0 });
  }
  return faultOf(error, `move the branch ${branch}`);
}
