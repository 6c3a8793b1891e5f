import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { appendFile, mkdir, open, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { finished } from "node:stream/promises";
import type { ChangedFile } from "../../shared/manifest.ts";
import { oneLine } from "./text.ts";
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

/** A workspace's recorded states, in a repository of ours that the agent never sees. */
export interface Baseline {
  gitFolder: string;
  workspace: string;
  limits: PatchLimits;
  /** Paths of the first state, and those that it had to leave out; in latin1, byte for byte. */
  paths: Set<string>;
  omitted: Set<string>;
}

/** What an agent changed. */
export interface Changes {
  files: ChangedFile[];
  /** Changed files beyond the listed ones. */
  moreFiles: number;
  /** What the patch leaves out, one sentence each. */
  notes: string[];
}

const BEFORE = "refs/heads/before";
const AFTER = "refs/heads/after";
const AUTHOR = "runyard <runyard@invalid> 0 +0000";

/** Nothing of the machine's, the user's or the workspace's configuration counts. */
const GIT_ENVIRONMENT = {
  GIT_ATTR_NOSYSTEM: "1",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_SYSTEM: "/dev/null",
  GIT_TERMINAL_PROMPT: "0",
  HOME: "/nonexistent",
  LC_ALL: "C",
} as const;

/** `.gitattributes` of the workspace must change neither what is compared nor how. */
const ATTRIBUTES = "* !diff !text !eol !filter !ident !working-tree-encoding !whitespace\n";

/**
 * Records the state of a workspace before the agent works in it.
 *
 * Files go into a bare repository through `git fast-import`, byte for byte: no index, no work tree, thus
 * no filter, hook, ignore rule, attribute or nested repository of the workspace has a say.
 *
 * @param path where git is looked for, in the form of `PATH`
 * @throws if git is not installed.
 */
export async function recordBaseline(
  folders: { gitFolder: string; workspace: string },
  path: string,
  limits: PatchLimits = PATCH_LIMITS,
): Promise<Baseline> {
  const baseline = { ...folders, limits, paths: new Set<string>(), omitted: new Set<string>() };
  await makeRepository(folders.gitFolder, path);
  await mkdir(join(folders.gitFolder, "info"));
  await writeFile(join(folders.gitFolder, "info", "attributes"), ATTRIBUTES);
  await record(baseline, BEFORE, path);
  return baseline;
}

async function makeRepository(gitFolder: string, path: string): Promise<void> {
  const init = ["init", "--quiet", "--bare", "--template=", gitFolder];
  try {
    await end(spawn("git", init, { env: { ...GIT_ENVIRONMENT, PATH: path }, stdio: STDIO }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new Error("git is not installed; install it and run again", { cause: error });
  }
}

const STDIO: ["ignore", "pipe", "pipe"] = ["ignore", "pipe", "pipe"];

function git(baseline: Baseline, args: string[], path: string): ChildProcess {
  const options = [
    `--git-dir=${baseline.gitFolder}`,
    ...["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"],
    ...["-c", "core.compression=1", "-c", "core.quotePath=true"],
  ];
  const stdio = args[0] === "fast-import" ? (["pipe", "pipe", "pipe"] as const) : STDIO;
  return spawn("git", [...options, ...args], {
    cwd: baseline.gitFolder,
    env: { ...GIT_ENVIRONMENT, PATH: path },
    stdio: [...stdio],
  });
}

/** Waits for git. @throws with what it said if it failed. */
async function end(child: ChildProcess): Promise<Buffer> {
  const [said, output] = await Promise.all([
    child.stderr ? text(child.stderr) : "",
    child.stdout ? buffer(child.stdout) : Buffer.alloc(0),
    child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined,
  ]);
  if (child.exitCode !== 0) throw new Error(`git failed: ${oneLine(said, 300)}`);
  return output;
}

/** Writes the workspace's state as a commit; entries over the limits keep their former state. */
async function record(baseline: Baseline, ref: string, path: string): Promise<void> {
  const child = git(baseline, ["fast-import", "--quiet", "--force"], path);
  const ended = end(child);
  ended.catch(() => {});
  const stream = child.stdin as Writable;
  stream.on("error", () => {});
  const write = async (piece: string | Buffer): Promise<void> => {
    if (!stream.write(piece)) await Promise.race([once(stream, "drain"), ended]);
  };
  const isFirst = ref === BEFORE;
  await write(`commit ${ref}\ncommitter ${AUTHOR}\ndata 0\n`);
  if (!isFirst) await write(`from ${BEFORE}\n`);
  const entries = await choose(baseline, isFirst);
  if (!isFirst) for (const gone of goneFrom(baseline, entries)) await write(`D ${quote(gone)}\n`);
  for (const entry of entries) {
    const content = await readEntry(baseline.workspace, entry);
    if (content === undefined) continue;
    const mode = entry.kind === "link" ? "120000" : entry.isExecutable ? "100755" : "100644";
    await write(`M ${mode} inline ${quote(latin1(entry.path))}\ndata ${content.length}\n`);
    await write(content);
    await write("\n");
  }
  stream.end();
  await ended;
}

const latin1 = (path: Buffer): string => path.toString("latin1");
const isGit = (name: Buffer): boolean => name.toString("latin1").toLowerCase() === ".git";

/** The entries within the limits. The first time, what is chosen and what is left out is noted. */
async function choose(baseline: Baseline, isFirst: boolean): Promise<TreeEntry[]> {
  const { limits, omitted, paths } = baseline;
  const chosen: TreeEntry[] = [];
  let bytes = 0;
  for await (const entry of walkTree(baseline.workspace, isGit)) {
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
    if (isFirst) paths.add(name);
  }
  return chosen;
}

function goneFrom({ paths, omitted }: Baseline, entries: readonly TreeEntry[]): string[] {
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

const DIFF = ["diff-tree", "-r", "--no-ext-diff", "--no-textconv", "--no-renames", "--no-color"];

/**
 * Writes what changed since the baseline to `patchFile`, in a form that `git apply` takes: text and
 * binary files, links, modes, deletions, ignored and untracked files alike. Empty if nothing changed.
 *
 * Call only when nothing of the agent is left.
 */
export async function writePatch(
  baseline: Baseline,
  options: { patchFile: string; maxFiles: number },
  path: string,
): Promise<Changes> {
  const omittedBefore = baseline.omitted.size;
  await record(baseline, AFTER, path);
  const notes: string[] = [];
  const omitted = baseline.omitted.size;
  if (omitted > 0) {
    notes.push(
      `${omitted} files are too large or too many, and are left out (${omittedBefore} of them were there before).`,
    );
  }
  const diff = git(baseline, [...DIFF, "-p", "--binary", "--full-index", BEFORE, AFTER], path);
  if (await saveDiff(diff, options.patchFile, baseline.limits.patchBytes)) {
    notes.push(
      `The patch is longer than ${baseline.limits.patchBytes} bytes and ends early, after a whole file.`,
    );
  }
  for (const note of notes) await appendFile(options.patchFile, `# Runyard: ${note}\n`);
  const listing = await end(
    git(baseline, [...DIFF, "--raw", "--numstat", "-z", BEFORE, AFTER], path),
  );
  const files = readListing(listing);
  return {
    files: files.slice(0, options.maxFiles),
    moreFiles: Math.max(0, files.length - options.maxFiles),
    notes,
  };
}

/** @returns whether the diff had to be cut. */
async function saveDiff(diff: ChildProcess, file: string, maxBytes: number): Promise<boolean> {
  diff.stderr?.resume();
  const ended = once(diff, "exit");
  const output = createWriteStream(file);
  let size = 0;
  for await (const chunk of diff.stdout as AsyncIterable<Buffer>) {
    const room = maxBytes - size;
    size += chunk.length;
    if (!output.write(chunk.subarray(0, room))) await once(output, "drain");
    if (size > maxBytes) break;
  }
  output.end();
  await finished(output);
  if (size <= maxBytes) {
    const [code] = await ended;
    if (code !== 0) throw new Error(`git diff-tree ended with ${code}`);
    return false;
  }
  diff.kill("SIGKILL");
  await truncate(file, await lastFileStart(file));
  return true;
}

const FILE_START = Buffer.from("\ndiff --git ");

/** Where the last file of a patch begins: what stands before it is whole. */
async function lastFileStart(path: string): Promise<number> {
  const window = Buffer.alloc(1024 * 1024);
  const file = await open(path);
  try {
    const { size } = await file.stat();
    for (let end = size; end > 0; end -= window.length - FILE_START.length) {
      const start = Math.max(0, end - window.length);
      const { bytesRead } = await file.read(window, 0, end - start, start);
      const found = window.subarray(0, bytesRead).lastIndexOf(FILE_START);
      if (found >= 0) return start + found + 1;
    }
    return 0;
  } finally {
    await file.close();
  }
}

const STATUSES: Record<string, ChangedFile["status"]> = { A: "added", D: "deleted" };

/** Reads `--raw --numstat -z`: first a status for each path, then its counts of lines. */
function readListing(listing: Buffer): ChangedFile[] {
  const fields = listing.toString().split("\0");
  const statuses = new Map<string, ChangedFile["status"]>();
  const files: ChangedFile[] = [];
  for (let index = 0; index < fields.length - 1; index += 1) {
    const field = fields[index] ?? "";
    if (field.startsWith(":")) {
      index += 1;
      statuses.set(fields[index] ?? "", STATUSES[field.at(-1) ?? ""] ?? "modified");
      continue;
    }
    const [, added, removed, path] = /^(\d+|-)\t(\d+|-)\t([\s\S]*)$/.exec(field) ?? [];
    if (path === undefined) continue;
    const count = (value = "-"): number | null => (value === "-" ? null : Number(value));
    const status = statuses.get(path) ?? "modified";
    files.push({ path, status, added: count(added), removed: count(removed) });
  }
  return files;
}
