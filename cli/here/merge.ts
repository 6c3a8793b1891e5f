import { lstatSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure } from "../failure.ts";
import { oneLine } from "../terminal.ts";
import { type Environment, NO_ATTRIBUTES, ownEnvironment, runGit, seeGit } from "./git.ts";
import { listTree } from "./listing.ts";
import { inStore, type SentStore } from "./sent-store.ts";

/** What is to be brought onto a working tree. */
export interface Change {
  /** The tree that the patch is against: a commit or tree of the store. */
  base: string;
  patch: Buffer;
  /** The run's id, for the marks of conflicts. */
  name: string;
}

/** What a merge would make of a working tree. */
export interface Merge extends AsyncDisposable {
  /** Git's words for each conflict, a line each; none: it is whole. */
  conflicts: string[];
  /** Paths that it changes. None: all of it is there already. */
  paths: string[];
  /**
   * Changes the working tree.
   *
   * @throws {Failure} if it cannot; it says what was changed nevertheless
   */
  write(): Promise<void>;
}

/**
 * Merges what a run changed with what has become of the tree since it was sent, both from what was
 * sent, byte for byte. The working tree is read; its repository, if it has one, is not used.
 *
 * @throws {Failure} if the patch is not against that base, or git is too old
 */
export async function mergeOnto(
  store: SentStore,
  { root, isRepository, env }: { root: string; isRepository: boolean; env: Environment },
  change: Change,
): Promise<Merge> {
  const scratch = mkdtempSync(join(tmpdir(), "runyard-apply-"));
  const dispose = async () => rmSync(scratch, { recursive: true, force: true });
  try {
    const git = await openScratch(scratch, { store, env });
    const base = await text(git, ["rev-parse", `${change.base}^{tree}`]);
    const theirs = await patched(withIndex(git, "theirs"), base, change.patch);
    const { entries } = await listTree(root, { isRepository, empty: store.folder, env });
    const known = [
      ...entries.filter(({ kind }) => kind !== "folder").map(({ path }) => path),
      ...(await pathsOf(git, base)),
      ...(await pathsOf(git, theirs)),
    ];
    const ours = await readPaths(git, root, new Set(known));
    const { tree: result, conflicts } = await mergedOf(git, {
      base,
      ours,
      theirs,
      name: change.name,
    });
    const between = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", ours, result];
    const paths = await names(git, between);
    refuseHidden(root, paths, new Set(await pathsOf(git, ours)));
    return {
      conflicts,
      paths,
      write: () => writeTree(git, root, { ours, result, paths }),
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** The tree that a patch makes of another. @throws {Failure} if it does not apply */
export async function treeAfter(store: SentStore, base: string, patch: Buffer): Promise<string> {
  const scratch = mkdtempSync(join(tmpdir(), "runyard-apply-"));
  try {
    const env = { ...store.env, GIT_INDEX_FILE: join(scratch, "index") };
    return await patched({ ...store, env }, base, patch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The same in the index of a repository; what only has remarks changes nothing. */
async function patched(place: Scratch, base: string, patch: Buffer): Promise<string> {
  const { env } = place;
  await runGit(inStore(place, ["read-tree", base]), { env });
  if (patch.subarray(0, 5).equals(Buffer.from("diff "))) {
    const apply = ["apply", "--cached", "--binary", "--whitespace=nowarn", "-"];
    await runGit(inStore(place, apply), { env, input: [patch] });
  }
  return text(place, ["write-tree"]);
}

/** A repository for one merge; it reads the store's objects, and nothing of it stays. */
interface Scratch {
  folder: string;
  env: Environment;
}

async function openScratch(
  parent: string,
  { store, env: given }: { store: SentStore; env: Environment },
): Promise<Scratch> {
  const folder = join(parent, "git");
  const env = ownEnvironment(given);
  await runGit(["init", "--quiet", "--bare", "--template=", folder], { env });
  mkdirSync(join(folder, "info"));
  writeFileSync(join(folder, "info/attributes"), NO_ATTRIBUTES);
  mkdirSync(join(folder, "objects/info"), { recursive: true });
  writeFileSync(join(folder, "objects/info/alternates"), `${join(store.folder, "objects")}\n`);
  return { folder, env };
}

/** The same with another index than its own. */
const withIndex = ({ folder, env }: Scratch, name: string): Scratch => ({
  folder,
  env: { ...env, GIT_INDEX_FILE: join(folder, `index-${name}`) },
});

const text = async (scratch: Scratch, args: readonly string[]): Promise<string> =>
  (await runGit(inStore(scratch, args), scratch)).toString().trim();
const names = async (scratch: Scratch, args: readonly string[]): Promise<string[]> =>
  (await runGit(inStore(scratch, args), scratch)).toString().split("\0").filter(Boolean);
const pathsOf = (scratch: Scratch, tree: string) =>
  names(scratch, ["ls-tree", "-r", "-z", "--name-only", "--full-tree", tree]);

/** The tree of what is at these paths now. */
async function readPaths(
  scratch: Scratch,
  root: string,
  paths: ReadonlySet<string>,
): Promise<string> {
  const input = [...paths].filter((path) => isFileAt(root, path)).map((path) => `${path}\0`);
  const update = [`--work-tree=${root}`, "update-index", "--add", "--remove", "-z", "--stdin"];
  await runGit(inStore(scratch, update), { env: scratch.env, cwd: root, input });
  return text(scratch, ["write-tree"]);
}

async function mergedOf(
  scratch: Scratch,
  { base, ours, theirs, name }: Record<"base" | "ours" | "theirs" | "name", string>,
): Promise<{ tree: string; conflicts: string[] }> {
  const root = await text(scratch, ["commit-tree", base, "-m", "base"]);
  for (const [ref, tree] of [
    ["yours", ours],
    [name, theirs],
  ] as const) {
    const made = await text(scratch, ["commit-tree", tree, "-p", root, "-m", ref]);
    await text(scratch, ["update-ref", `refs/heads/${ref}`, made]);
  }
  const merge = ["merge-tree", "--write-tree", "-z", "--name-only", "yours", name];
  const { code, output, errors } = await seeGit(inStore(scratch, merge), scratch);
  if (code !== 0 && code !== 1) throw unmerged(code, errors);
  return resultOf(output.toString(), code === 1);
}

/** Git looks at all of it before it changes anything. */
async function writeTree(
  scratch: Scratch,
  root: string,
  { ours, result, paths }: { ours: string; result: string; paths: readonly string[] },
): Promise<void> {
  const inTree = (...args: string[]) => inStore(scratch, [`--work-tree=${root}`, ...args]);
  const { env } = scratch;
  const { code, errors } = await seeGit(inTree("read-tree", "-m", "-u", ours, result), {
    env,
    cwd: root,
  });
  if (code === 0) return;
  const after = { env: withIndex(scratch, "after").env, cwd: root };
  await runGit(inTree("read-tree", result), after);
  await seeGit(inTree("update-index", "-q", "--refresh"), after);
  const still = await runGit(inTree("diff-files", "-z", "--name-only"), after);
  throw unwritten(errors, { paths, still: new Set(still.toString().split("\0")) });
}

/** Whether there is a file or a link, and no link above it that would lead elsewhere. */
function isFileAt(root: string, path: string): boolean {
  if (hindranceTo(root, path) !== undefined) return false;
  const found = lstatSync(join(root, path), { throwIfNoEntry: false });
  return found !== undefined && !found.isDirectory();
}

/** The first of the folders above a path that is none; undefined: all are, or are not there. */
function hindranceTo(root: string, path: string): string | undefined {
  for (let at = path.indexOf("/"); at > 0; at = path.indexOf("/", at + 1)) {
    const found = lstatSync(join(root, path.slice(0, at)), { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    if (!found.isDirectory()) return path.slice(0, at);
  }
  return undefined;
}

/** What nobody lists, as it is ignored, is in nobody's way either. @throws {Failure} if it were */
function refuseHidden(root: string, paths: readonly string[], ours: ReadonlySet<string>): void {
  for (const path of paths) {
    const hindrance = hindranceTo(root, path);
    if (hindrance === undefined || ours.has(hindrance)) continue;
    throw new Failure(
      `${oneLine(path)} cannot be written: ${oneLine(hindrance)} is no folder. Nothing was changed; move it away and apply again.`,
    );
  }
}

/** What merge-tree says with -z and --name-only. */
function resultOf(output: string, hasConflicts: boolean): { tree: string; conflicts: string[] } {
  const fields = output.split("\0");
  const [tree = ""] = fields;
  if (!hasConflicts) return { tree, conflicts: [] };
  const conflicts: string[] = [];
  // Behind the names and an empty field, for each message: how many paths, these, a kind, a text.
  let at = fields.indexOf("", 1) + 1;
  while (at < fields.length - 1) {
    const count = Number(fields[at]);
    const kind = fields[at + count + 1] ?? "";
    const text = (fields[at + count + 2] ?? "").trim();
    if (kind.startsWith("CONFLICT")) conflicts.push(text);
    at += count + 3;
  }
  return { tree, conflicts };
}

const OPTION_UNKNOWN = 129;

function unmerged(code: number | null, errors: string): Failure {
  if (code === OPTION_UNKNOWN)
    return new Failure("git is too old for this: install 2.38 or newer.");
  return new Failure(`git merge-tree failed: ${oneLine(errors.trim().slice(0, 300))}`);
}

function unwritten(
  errors: string,
  { paths, still }: { paths: readonly string[]; still: ReadonlySet<string> },
): Failure {
  const done = paths.filter((path) => !still.has(path)).map(oneLine);
  const open = paths.filter((path) => still.has(path)).map(oneLine);
  const state =
    done.length === 0
      ? "Nothing was changed."
      : `Half of it is applied. Changed: ${done.join(", ")}; not changed: ${open.join(", ")}.`;
  return new Failure(`git cannot write the changes:\n${errors.trimEnd()}\n${state}`);
}
