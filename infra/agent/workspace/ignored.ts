import { lstat, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Rank } from "./choice.ts";
import { makeRepository, type Repository, runGit } from "./git.ts";
import { readEntry, type TreeEntry } from "./tree.ts";

/** A path (bytes as latin1) that may be ignored. */
export interface Asked {
  path: string;
  isFolder: boolean;
}

/** Larger files of rules are not read; git's own bound is higher. */
const MAX_RULES_BYTES = 1024 * 1024;
/** Rules can be made so that to match them takes for ever. */
const TIMEOUT_MS = 30_000;
const RULES = ".gitignore";
/** Stands for something in a folder. */
const SOMETHING = "\u0001";

/**
 * Which of the paths git ignores, by the workspace's `.gitignore` files and `.git/info/exclude`.
 * Git sees copies of these in a folder of ours and nothing of the workspace. If it does not answer
 * in time, none.
 *
 * @param rules the workspace's entries named `.gitignore`
 */
async function ignoredAmong(
  { gitFolder, path, workspace }: Repository & { workspace: string },
  rules: readonly TreeEntry[],
  asked: readonly Asked[],
): Promise<Set<string>> {
  if (asked.length === 0) return new Set();
  const root = await mkdtemp(join(gitFolder, "ignored-"));
  try {
    const workTree = join(root, "tree");
    await mkdir(workTree);
    const repository = { gitFolder: join(root, "git"), path };
    await makeRepository(repository);
    const own = await exclusions(workspace);
    if (own !== undefined) await copy(workspace, own, { folder: repository.gitFolder, from: 5 });
    for (const entry of rules) await copy(workspace, entry, { folder: workTree, from: 0 });
    const names = new Map(asked.map((one) => [standIn(one), one.path]));
    const said = await runGit(repository, ["check-ignore", "--no-index", "-z", "--stdin"], {
      input: Buffer.from(`${[...names.keys()].join("\0")}\0`, "latin1"),
      workTree,
      timeoutMs: TIMEOUT_MS,
    }).catch(() => Buffer.alloc(0));
    const ignored = said.toString("latin1").split("\0");
    return new Set(ignored.flatMap((name) => names.get(name) ?? []));
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/**
 * The path that is asked about: there are no folders in ours, and no `.git`. It begins so that git
 * takes no name for one of its patterns.
 */
function standIn({ path, isFolder }: Asked): string {
  if (/(^|\/)\.git$/.test(path)) return `./${path.slice(0, -".git".length)}${SOMETHING}`;
  return isFolder ? `./${path}/${SOMETHING}` : `./${path}`;
}

async function exclusions(workspace: string): Promise<TreeEntry | undefined> {
  const name = ".git/info/exclude";
  const found = await lstat(join(workspace, name)).catch(() => undefined);
  if (!found?.isFile()) return undefined;
  const { mode, size: sizeBytes } = found;
  const path = Buffer.from(name);
  return { path, kind: "file", mode: mode & 0o7777, sizeBytes, signature: "", isRacy: true };
}

/** Copies an entry below `folder`, at its path without the first `from` bytes. */
async function copy(
  workspace: string,
  entry: TreeEntry,
  { folder, from }: { folder: string; from: number },
): Promise<void> {
  if (entry.sizeBytes > MAX_RULES_BYTES) return;
  const content = readEntry(workspace, entry);
  if (content === undefined) return;
  const to = Buffer.concat([Buffer.from(`${folder}/`), entry.path.subarray(from)]);
  try {
    await mkdir(to.subarray(0, to.lastIndexOf("/")), { recursive: true });
    await writeFile(to, content);
  } catch {
    // Its path is too long for ours: what it says counts for very little.
  }
}

/**
 * What a loss of each path would be.
 *
 * @param entries of the workspace as it is now, folders left out or not
 * @param isTracked whether the conversation began with it
 */
export async function ranksOf(
  place: Repository & { workspace: string },
  { entries, isTracked }: { entries: Iterable<TreeEntry>; isTracked(path: string): boolean },
  asked: readonly Asked[],
): Promise<(path: string) => Rank> {
  const open = asked.filter(({ path }) => !isTracked(path));
  const ignored = await ignoredAmong(place, rulesAround(entries, open), open);
  return (path) => {
    if (isTracked(path)) return "tracked";
    return ignored.has(path) ? "ignored" : "unignored";
  };
}

/** Those of the entries that say what is ignored around the paths asked about. */
function rulesAround(entries: Iterable<TreeEntry>, asked: readonly Asked[]): TreeEntry[] {
  const folders = new Set<string>([""]);
  for (const { path } of asked) {
    for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
      if (folders.has(path.slice(0, at))) break;
      folders.add(path.slice(0, at));
    }
  }
  return [...entries].filter(({ path, kind }) => {
    const name = path.toString("latin1");
    const isRules = name === RULES || name.endsWith(`/${RULES}`);
    return kind === "file" && isRules && folders.has(name.slice(0, -RULES.length - 1));
  });
}
