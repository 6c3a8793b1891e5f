import { lstatSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { OmissionCause } from "../../../shared/documents/omissions.ts";
import { isRefusedByGit, MAX_PATH_BYTES } from "../../../shared/git-names.ts";
import { chooseWithin } from "./choice.ts";
import { commit, makeRepository, NO_ATTRIBUTES, quote, type Repository, refOf } from "./git.ts";
import { ranksOf } from "./ignored.ts";
import { type Judge, type LeftOut, readTree, type Tree, type TreeEntry } from "./tree.ts";

/** Bounds of a patch. What lies beyond them is left out, and the patch says so. */
export interface PatchLimits {
  /** Bytes of one file. */
  fileBytes: number;
  /** Bytes that may change from one state to the next, … */
  treeBytes: number;
  /** … and files among them that are not tracked. */
  files: number;
  /** Bytes of the patch. */
  patchBytes: number;
}

export const PATCH_LIMITS: PatchLimits = {
  fileBytes: 32 * 1024 ** 2,
  treeBytes: 128 * 1024 ** 2,
  files: 50_000,
  patchBytes: 100 * 1024 ** 2,
};

/**
 * States of a workspace, in the order in which it goes through them:
 *
 * - `first`: as the conversation began, empty or checked out;
 * - `restored`: with what earlier turns changed;
 * - `before`: with what the setup commands did, as the agent finds it;
 * - `after`: as the agent leaves it.
 *
 * One that is not recorded is the same as the one before it.
 */
const STATES = ["first", "restored", "before", "after"] as const;
export type StateName = (typeof STATES)[number];

/** An entry as it was seen. */
export interface Known extends TreeEntry {
  /** Its content is in the state's tree. */
  isStored: boolean;
  /** Why it is not. */
  why?: OmissionCause;
}

/** A workspace as it was seen. Paths are bytes, as latin1. */
export interface Recorded {
  known: ReadonlyMap<string, Known>;
  leftOut: readonly LeftOut[];
}

/** A state that stays what it was when others are recorded. */
export interface LeftState {
  ref: string;
  recorded: Recorded;
}

/** A workspace's recorded states, in a repository of ours that the agent never sees. */
export interface States extends Repository {
  workspace: string;
  limits: PatchLimits;
  /** The ref of each state that was reached. */
  refs: Partial<Record<StateName, string>>;
  recorded: Partial<Record<StateName, Recorded>>;
  /**
   * The ref of the state that the run's turn began with, if an attempt before has added to that.
   */
  turn?: string;
  /** What the agent left before it was given back to it, and what it found then: checks had run. */
  checked?: Record<"left" | "found", LeftState>;
  /** Turns before changed something, on which this one's patch applies. */
  isLaterTurn?: boolean;
  /** The commit onto which what they changed was put, as the base had moved on. */
  movedTo?: string;
  /** That was another run, of which there are the files alone. */
  isOfOtherRun?: boolean;
  /** The request brought files, on which this turn's patch applies. */
  hasFiles?: boolean;
  /** The workspace began with the contents of files of Git LFS, not with their pointers. */
  hasLfs?: boolean;
  /** Paths in the latest state's tree; in latin1, byte for byte. */
  paths: Set<string>;
  /** Data of the repositories that the workspace began with, as paths; not among its files. */
  ownData: ReadonlySet<string>;
  /** Whether the agent may be at work while a state is recorded. */
  isLive: boolean;
  /** The patch alone brings back what the agent left. */
  isPatchWhole: boolean;
}

/**
 * Makes the repository for a workspace's states.
 *
 * Files go into it through `git fast-import`, byte for byte: no index, no work tree, thus no
 * filter, hook, ignore rule, attribute or nested repository of the workspace has a say.
 *
 * @param folders.repositories where those may be that it begins with. Default: at its top.
 * @throws if git is not installed.
 */
export async function openStates(
  folders: { gitFolder: string; workspace: string; repositories?: readonly string[] },
  path: string,
  limits: PatchLimits = PATCH_LIMITS,
): Promise<States> {
  const { gitFolder, workspace, repositories = [""] } = folders;
  await makeRepository({ gitFolder, path });
  await mkdir(join(gitFolder, "info"));
  await writeFile(join(gitFolder, "info", "attributes"), NO_ATTRIBUTES);
  const ownData = repositories
    .map((folder) => (folder === "" ? ".git" : `${folder}/.git`))
    .filter((data) => lstatSync(join(workspace, data), { throwIfNoEntry: false }) !== undefined);
  return {
    ...{ gitFolder, workspace, path, limits, isPatchWhole: true, isLive: false },
    ...{ refs: {}, recorded: {}, paths: new Set<string>(), ownData: new Set(ownData) },
  };
}

/**
 * Records the workspace as it is now as the state `name`. Entries that cannot be kept stay as they
 * were in the tree, and are known as not stored. What has not changed since the state before is not
 * read.
 *
 * Call only while nothing else writes there, unless the states are live, and in the order of the
 * states.
 *
 * @returns whether it differs from what was recorded before it
 */
export async function recordState(states: States, name: StateName): Promise<boolean> {
  using tree = await readTree(states.workspace, { judge: judgeOf(states), isLive: states.isLive });
  const before = states.recorded[name];
  const known = new Map<string, Known>();
  const changed: TreeEntry[] = [];
  for (const entry of tree.entries) {
    const last = before?.known.get(latin1(entry.path));
    if (entry.kind === "folder" || (last && isSame(last, entry))) {
      known.set(latin1(entry.path), { ...entry, ...pickStored(last) });
    } else changed.push(entry);
  }
  if (before !== undefined && isSameTree(before, known, { tree, changed })) return false;
  const chosen = await choose(states, tree, changed);
  const branch = states.isLive ? `live-${name}` : name;
  await commit(
    states,
    { name: branch, parent: states.refs[name] },
    changesTo({ states, tree, known, changed, chosen }),
  );
  const recorded = { known, leftOut: tree.leftOut };
  for (const later of STATES.slice(STATES.indexOf(name))) {
    states.refs[later] = refOf(branch);
    states.recorded[later] = recorded;
  }
  return true;
}

/** Whether nothing came, went or changed, folders included. */
function isSameTree(
  before: Recorded,
  known: ReadonlyMap<string, Known>,
  { tree, changed }: { tree: Tree; changed: readonly TreeEntry[] },
): boolean {
  if (changed.length > 0 || known.size !== before.known.size) return false;
  if (tree.leftOut.length !== before.leftOut.length) return false;
  return [...known].every(
    ([path, { signature }]) => before.known.get(path)?.signature === signature,
  );
}

/** States to go on recording in while the agent works, beside these and without a trace in them. */
export const liveStates = (states: States, limits: PatchLimits): States => ({
  ...states,
  limits,
  isLive: true,
  refs: { ...states.refs },
  recorded: { ...states.recorded },
  paths: new Set(states.paths),
});

const latin1 = (path: Buffer): string => path.toString("latin1");

/** A content that was not stored is not stored later: there was no room for it. */
const isSame = (last: Known, entry: TreeEntry): boolean =>
  last.signature === entry.signature && !(last.isRacy && last.isStored);

const pickStored = (last: Known | undefined): Pick<Known, "isStored" | "why"> => ({
  isStored: last?.isStored ?? false,
  ...(last?.why !== undefined && { why: last.why }),
});

/** What git takes into no tree, and its own data, which are no files of a workspace. */
function judgeOf({ ownData }: States): Judge {
  return (path, kind) => {
    const name = latin1(path.subarray(path.lastIndexOf("/") + 1));
    if (name === ".git") return ownData.has(latin1(path)) ? "skip" : "repository";
    if (path.length > MAX_PATH_BYTES) return "path_too_long";
    return isRefusedByGit(latin1(path), kind === "link") ? "name_refused" : undefined;
  };
}

/**
 * Whether the conversation began with a file that was too large to be kept: no patch says how it
 * changed, and one that adds it does not apply where it is.
 */
const isWithoutPast = ({ recorded, paths }: States, { path }: TreeEntry): boolean => {
  const first = recorded.first?.known.get(latin1(path));
  if (first === undefined || first.kind === "folder") return false;
  return !first.isStored && !paths.has(latin1(path));
};

/** The changed entries that there is room for. Of a conversation's first state there is for all. */
async function choose(
  states: States,
  { entries }: Tree,
  changed: readonly TreeEntry[],
): Promise<Set<TreeEntry>> {
  const { limits, recorded } = states;
  const fitting = changed.filter((entry) => {
    return entry.sizeBytes <= limits.fileBytes && !isWithoutPast(states, entry);
  });
  const bytes = fitting.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const isRoom = bytes <= limits.treeBytes && fitting.length <= limits.files;
  if (isRoom || recorded.first === undefined) return new Set(fitting);
  const asked = fitting.map(({ path }) => ({ path: latin1(path), isFolder: false }));
  const rankOf = await ranksOf(states, { entries, isTracked: isTrackedIn(states) }, asked);
  const room = { bytes: limits.treeBytes, files: limits.files };
  return chooseWithin(fitting, room, ({ path }) => rankOf(latin1(path)));
}

/** Whether the conversation began with a path. */
export const isTrackedIn =
  ({ recorded: { first } }: States) =>
  (path: string): boolean =>
    first?.known.has(path) === true;

interface Recording {
  states: States;
  tree: Tree;
  /** Grows by what is done. */
  known: Map<string, Known>;
  changed: readonly TreeEntry[];
  chosen: ReadonlySet<TreeEntry>;
}

/** Commands of fast-import that make the latest tree the one of the workspace. */
async function* changesTo(recording: Recording): AsyncGenerator<string | Buffer> {
  const { states, tree, known, changed, chosen } = recording;
  const { paths, limits } = states;
  for (const gone of goneFrom(states, tree)) {
    paths.delete(gone);
    yield `D ${quote(gone)}\n`;
  }
  for (const entry of changed) {
    const path = latin1(entry.path);
    if (!chosen.has(entry)) {
      const isLarge = entry.sizeBytes > limits.fileBytes || isWithoutPast(states, entry);
      const why = isLarge ? "too_large" : "too_many";
      known.set(path, { ...entry, isStored: false, why });
      continue;
    }
    const content = tree.read(entry);
    if (content === undefined) {
      known.set(path, { ...entry, isStored: false, why: "unreadable" });
      continue;
    }
    known.set(path, { ...entry, isStored: true });
    paths.add(path);
    yield `M ${gitModeOf(entry)} inline ${quote(path)}\ndata ${content.length}\n`;
    yield content;
    yield "\n";
  }
}

/** The mode that git has for an entry. */
function gitModeOf({ kind, mode }: TreeEntry): string {
  if (kind === "link") return "120000";
  return (mode & 0o100) === 0 ? "100644" : "100755";
}

/** Paths of the tree that are no more: not those that only cannot be seen. */
function goneFrom({ paths }: States, { entries, leftOut }: Tree): string[] {
  const present = new Set<string>();
  for (const { path, kind } of entries) if (kind !== "folder") present.add(latin1(path));
  for (const { path, isFolder } of leftOut) if (!isFolder) present.add(latin1(path));
  const unread = leftOut.filter(({ why }) => why === "unreadable");
  const closed = new Set(unread.map(({ path }) => latin1(path)));
  return [...paths].filter((path) => !present.has(path) && !isBelow(path, closed));
}

/** Whether a path is below one of the folders. */
export function isBelow(path: string, folders: ReadonlySet<string>): boolean {
  if (folders.size === 0) return false;
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
    if (folders.has(path.slice(0, end))) return true;
  }
  return folders.has("");
}
