import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { oneLine } from "../text.ts";
import { readEntry, type TreeEntry, walkTree } from "./tree.ts";

/** Bounds of a patch. What lies beyond them is left out, and the patch says so. */
export interface PatchLimits {
  /** Bytes of one file, and of all files together, that are looked at. */
  fileBytes: number;
  treeBytes: number;
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

/** A workspace's recorded states, in a repository of ours that the agent never sees. */
export interface States {
  gitFolder: string;
  workspace: string;
  limits: PatchLimits;
  /** Where git is looked for, in the form of `PATH`. */
  path: string;
  /** The ref of each state that was reached. */
  refs: Partial<Record<StateName, string>>;
  /** Paths of the latest state, and those that had to be left out; in latin1, byte for byte. */
  paths: Set<string>;
  omitted: Set<string>;
}

const AUTHOR = "runyard <runyard@invalid> 0 +0000";

/** Nothing of the machine's or the user's configuration of git counts. */
export const GIT_ENVIRONMENT = {
  GIT_ATTR_NOSYSTEM: "1",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_SYSTEM: "/dev/null",
  GIT_TERMINAL_PROMPT: "0",
  HOME: "/nonexistent",
  LC_ALL: "C",
} as const;

/** `.gitattributes` of the workspace must change neither what is compared nor how. */
export const NO_ATTRIBUTES =
  "* !diff !text !eol !filter !ident !working-tree-encoding !whitespace\n";

/**
 * Makes the repository for a workspace's states.
 *
 * Files go into it through `git fast-import`, byte for byte: no index, no work tree, thus no filter,
 * hook, ignore rule, attribute or nested repository of the workspace has a say.
 *
 * @throws if git is not installed.
 */
export async function openStates(
  folders: { gitFolder: string; workspace: string },
  path: string,
  limits: PatchLimits = PATCH_LIMITS,
): Promise<States> {
  await makeRepository(folders.gitFolder, path);
  await mkdir(join(folders.gitFolder, "info"));
  await writeFile(join(folders.gitFolder, "info", "attributes"), NO_ATTRIBUTES);
  return { ...folders, path, limits, refs: {}, paths: new Set(), omitted: new Set() };
}

async function makeRepository(gitFolder: string, path: string): Promise<void> {
  const init = ["init", "--quiet", "--bare", "--template=", gitFolder];
  try {
    await endOfGit(spawn("git", init, { env: { ...GIT_ENVIRONMENT, PATH: path }, stdio: STDIO }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new Error("git is not installed; install it and run again", { cause: error });
  }
}

const STDIO: ["ignore", "pipe", "pipe"] = ["ignore", "pipe", "pipe"];

/** Starts git on the states' repository. Only `fast-import` has a standard input. */
export function gitOn(states: States, args: readonly string[]): ChildProcess {
  const options = [
    `--git-dir=${states.gitFolder}`,
    ...["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"],
    ...["-c", "core.compression=1", "-c", "core.quotePath=true"],
  ];
  const stdio = args[0] === "fast-import" ? (["pipe", "pipe", "pipe"] as const) : STDIO;
  return spawn("git", [...options, ...args], {
    cwd: states.gitFolder,
    env: { ...GIT_ENVIRONMENT, PATH: states.path },
    stdio: [...stdio],
  });
}

/** Waits for git. @throws with what it said if it failed. */
export async function endOfGit(child: ChildProcess): Promise<Buffer> {
  const [said, output] = await Promise.all([
    child.stderr ? text(child.stderr) : "",
    child.stdout ? buffer(child.stdout) : Buffer.alloc(0),
    child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined,
  ]);
  if (child.exitCode !== 0) throw new Error(`git failed: ${oneLine(said, 300)}`);
  return output;
}

/**
 * Records the workspace as it is now as the state `name`. Entries over the limits keep their former state.
 *
 * Call only while nothing else writes there, and in the order of the states.
 */
export async function recordState(states: States, name: StateName): Promise<void> {
  const parent = states.refs[name];
  const entries = await choose(states);
  await commit(states, { name, parent }, changesTo(states, entries));
  const kept = [...states.paths].filter((path) => states.omitted.has(path));
  states.paths = new Set([...kept, ...entries.map(({ path }) => latin1(path))]);
  for (const later of STATES.slice(STATES.indexOf(name))) states.refs[later] = refOf(name);
}

/** Commands of fast-import that make the latest state the one of `entries`. */
async function* changesTo(
  states: States,
  entries: readonly TreeEntry[],
): AsyncGenerator<string | Buffer> {
  for (const gone of goneFrom(states, entries)) yield `D ${quote(gone)}\n`;
  for (const entry of entries) {
    const content = await readEntry(states.workspace, entry);
    if (content === undefined) continue;
    const mode = entry.kind === "link" ? "120000" : entry.isExecutable ? "100755" : "100644";
    yield `M ${mode} inline ${quote(latin1(entry.path))}\ndata ${content.length}\n`;
    yield content;
    yield "\n";
  }
}

const refOf = (name: string): string => `refs/heads/${name}`;

/** Makes a commit out of commands of fast-import. */
async function commit(
  states: States,
  { name, parent }: { name: string; parent: string | undefined },
  changes: AsyncIterable<string | Buffer> | Iterable<string>,
): Promise<void> {
  const child = gitOn(states, ["fast-import", "--quiet", "--force"]);
  const ended = endOfGit(child);
  ended.catch(() => {});
  const stream = child.stdin as Writable;
  stream.on("error", () => {});
  const write = async (piece: string | Buffer): Promise<void> => {
    if (!stream.write(piece)) await Promise.race([once(stream, "drain"), ended]);
  };
  await write(`commit ${refOf(name)}\ncommitter ${AUTHOR}\ndata 0\n`);
  if (parent !== undefined) await write(`from ${parent}\n`);
  for await (const piece of changes) await write(piece);
  stream.end();
  await ended;
}

const latin1 = (path: Buffer): string => path.toString("latin1");
const isGit = (name: Buffer): boolean => name.toString("latin1").toLowerCase() === ".git";

/** The entries within the limits; what is left out is noted. */
async function choose({ workspace, limits, omitted }: States): Promise<TreeEntry[]> {
  const chosen: TreeEntry[] = [];
  let bytes = 0;
  for await (const entry of walkTree(workspace, isGit)) {
    const name = latin1(entry.path);
    const isTooMuch =
      entry.sizeBytes > limits.fileBytes ||
      bytes + entry.sizeBytes > limits.treeBytes ||
      chosen.length >= limits.files;
    if (isTooMuch || omitted.has(name)) {
      omitted.add(name);
      continue;
    }
    bytes += entry.sizeBytes;
    chosen.push(entry);
  }
  return chosen;
}

function goneFrom({ paths, omitted }: States, entries: readonly TreeEntry[]): string[] {
  const present = new Set(entries.map(({ path }) => latin1(path)));
  return [...paths].filter((path) => !present.has(path) && !omitted.has(path));
}

/** A path in fast-import's C style; ASCII, whatever its bytes are. */
function quote(path: string): string {
  const escaped = path.replace(/[^ !#-[\]-~]/g, (character) => {
    return `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`;
  });
  return `"${escaped}"`;
}

/**
 * What the agent changed, on top of `restored`: the state without what the setup commands did, since
 * they run again in the next turn.
 *
 * @returns its ref.
 */
export async function withoutSetup(states: States): Promise<string> {
  const { before = "", restored = "", after = "" } = states.refs;
  if (before === restored) return after;
  const listing = await endOfGit(
    gitOn(states, ["diff-tree", "-r", "-z", "--raw", "--no-renames", before, after]),
  );
  const fields = listing.toString("latin1").split("\0");
  const changes: string[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [, mode, , blob, status] = (fields[index] ?? "").split(" ");
    const path = quote(fields[index + 1] ?? "");
    if (status === "D") changes.unshift(`D ${path}\n`);
    else changes.push(`M ${mode} ${blob} ${path}\n`);
  }
  await commit(states, { name: "kept", parent: restored }, changes);
  return refOf("kept");
}
