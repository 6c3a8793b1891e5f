import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { appendFile, open, truncate } from "node:fs/promises";
import { finished } from "node:stream/promises";
import type { ChangedFile } from "../../../shared/documents/manifest.ts";
import { endOfGit, gitOn, recordState, type States, withoutSetup } from "./git-states.ts";

/** What an agent changed. */
export interface Changes {
  files: ChangedFile[];
  /** Changed files beyond the listed ones. */
  moreFiles: number;
  /** What the patch leaves out, one sentence each. */
  notes: string[];
}

const DIFF = ["diff-tree", "-r", "--no-ext-diff", "--no-textconv", "--no-renames", "--no-color"];

/**
 * Writes what the agent changed to `patchFile`, in a form that `git apply` takes: text and binary files,
 * links, modes, deletions, ignored and untracked files alike. Empty if nothing changed.
 *
 * Call only when nothing of the agent is left.
 */
export async function writePatch(
  states: States,
  { patchFile, maxFiles }: { patchFile: string; maxFiles: number },
): Promise<Changes> {
  const omittedBefore = states.omitted.size;
  await recordState(states, "after");
  const { before = "", after = "" } = states.refs;
  const notes = await writeDiff(states, {
    file: patchFile,
    from: before,
    to: after,
    omittedBefore,
  });
  const listing = await endOfGit(
    gitOn(states, [...DIFF, "--raw", "--numstat", "-z", before, after]),
  );
  const files = readListing(listing);
  return {
    files: files.slice(0, maxFiles),
    moreFiles: Math.max(0, files.length - maxFiles),
    notes,
  };
}

/** Whether {@link writePatch}'s patch says less than what the next turn has to restore. */
export const needsWorkspaceDiff = ({ refs }: States): boolean => refs.before !== refs.first;

/**
 * Writes what all turns changed since the conversation's first checkout to `file`, in the same form. What
 * setup commands did is not in it, but for files that an agent then changed.
 *
 * Call only after {@link writePatch}.
 *
 * @returns what it leaves out, one sentence each.
 */
export async function writeWorkspaceDiff(states: States, file: string): Promise<string[]> {
  const { first = "" } = states.refs;
  return writeDiff(states, { file, from: first, to: await withoutSetup(states) });
}

interface Diff {
  file: string;
  from: string;
  to: string;
  /** Files that had to be left out of the states before. */
  omittedBefore?: number;
}

/** Writes a diff and, as comments at its end, what it leaves out. */
async function writeDiff(states: States, { file, from, to, omittedBefore }: Diff) {
  const notes: string[] = [];
  const { limits, omitted } = states;
  if (omitted.size > 0) {
    const earlier =
      omittedBefore === undefined ? "" : ` (${omittedBefore} of them were there before)`;
    notes.push(`${omitted.size} files are too large or too many, and are left out${earlier}.`);
  }
  const diff = gitOn(states, [...DIFF, "-p", "--binary", "--full-index", from, to]);
  if (await saveDiff(diff, file, limits.patchBytes)) {
    notes.push(
      `The patch is longer than ${limits.patchBytes} bytes and ends early, after a whole file.`,
    );
  }
  for (const note of notes) await appendFile(file, `${NOTE}${note}\n`);
  return notes;
}

/** Begins a line that says what a diff leaves out. */
export const NOTE = "# Runyard: ";

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
