import { isUtf8 } from "node:buffer";
import { appendFile, writeFile } from "node:fs/promises";
import { COMMIT_LIMITS, type CommitEntry } from "../../../shared/delivery/commit-file.ts";
import { BASE_MARKS, isMarked } from "../../../shared/delivery/conflict.ts";
import type { Commits } from "./begin-workspace.ts";
import { committedForm } from "./committed-form.ts";
import { changesBetween, runGit, type TreeChange } from "./git.ts";
import { isBelow, type States } from "./git-states.ts";
import { enumerated } from "./omissions.ts";
import { withoutSetup } from "./replayed-states.ts";

/** What of a workspace is to be committed. */
interface Wanted {
  file: string;
  /** The commits that the workspace's repositories began with, by folders; of the one: `""`. */
  bases: Commits;
  /** Paths of files that came with the request: unless the agent changed them they are not. */
  given: readonly string[];
}

/** What is changed in one repository. */
interface Changed {
  /** ASCII; empty: the workspace itself. */
  folder: string;
  base: string;
  changes: TreeChange[];
  inSubmodules: number;
}

/**
 * Writes what all turns changed since the conversation's first checkout to a file, as entries of a
 * tree for each repository: contents as git would commit them, without what setup commands did, and
 * without what is in submodules, which are repositories of their own. Of more than there is room for
 * it writes that it is so.
 *
 * Call only once the state after the agent is recorded.
 */
export async function writeCommitFile(
  states: States,
  { file, bases, given }: Wanted,
): Promise<void> {
  const { first = "", restored = "" } = states.refs;
  const kept = await withoutSetup(states);
  const placed = await sameSince(states, { from: restored, to: kept, paths: given });
  const all = await changesBetween(states, first, kept);
  const own = all.filter(({ path }) => !isOf(placed, path));
  const repositories: Changed[] = [];
  for (const [folder, base] of Object.entries(bases)) {
    repositories.push(await changedIn(states, own, { folder, base }));
  }
  const changes = repositories.flatMap((each) => each.changes);
  const to = await committedForm(states, kept, { name: "committed", changes, side: "to" });
  const forms = await changesBetween(states, first, to);
  const room = { files: COMMIT_LIMITS.files, bytes: COMMIT_LIMITS.bytes };
  const folders = new Set(repositories.map(({ folder }) => folder));
  const elsewhere = own.filter(({ path }) => !isBelow(path, folders)).length;
  const more = elsewhere > 0 && { elsewhere };
  await writeFile(file, "", { mode: 0o600 });
  for (const each of repositories) {
    const lines = await linesOf(states, each, { forms, room, more });
    await appendFile(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  }
}

const utf8 = (path: string): string => Buffer.from(path, "latin1").toString();

const isOf = (paths: ReadonlySet<string>, path: string): boolean =>
  paths.has(path) || isBelow(path, paths);

async function changedIn(
  states: States,
  own: readonly TreeChange[],
  { folder, base }: Pick<Changed, "folder" | "base">,
): Promise<Changed> {
  const here = own.filter(({ path }) => isBelow(path, new Set([folder])));
  const modules = await submodulesAt(states, folder);
  const changes = here.filter(({ path }) => !isOf(modules, path));
  return { folder, base, changes, inSubmodules: here.length - changes.length };
}

interface Writing {
  /** What differs from the first state in the form in which git would commit it. */
  forms: readonly TreeChange[];
  /** Is used up by what is written. */
  room: { files: number; bytes: number };
  more: object | false;
}

/** The lines of one repository. */
async function linesOf(
  states: States,
  { folder, base, changes, inSubmodules }: Changed,
  { forms, room, more }: Writing,
): Promise<object[]> {
  const names = new Set(changes.map(({ path }) => path));
  const formed = forms.filter(({ path }) => names.has(path));
  const named = formed.filter(({ path }) => isUtf8(Buffer.from(path, "latin1")));
  const head = {
    schemaVersion: 1,
    ...(folder !== "" && { folder }),
    base,
    unnamed: formed.length - named.length,
    ...(inSubmodules > 0 && { inSubmodules }),
    ...more,
  };
  const bytes = await bytesOf(states, named);
  if (named.length > room.files || bytes > room.bytes) {
    const together = folder === "" ? "" : ", of all repositories together";
    const most = `${COMMIT_LIMITS.files} files and ${COMMIT_LIMITS.bytes} bytes`;
    const without = `It changed ${named.length} files with ${bytes} bytes; at most ${most} are delivered${together}.`;
    return [{ ...head, without }];
  }
  const entries = await entriesOf(states, named, folder === "" ? 0 : folder.length + 1);
  const without = aboutMarks(entries);
  if (without !== undefined) return [{ ...head, without }];
  room.files -= named.length;
  room.bytes -= bytes;
  return [head, ...entries];
}

/**
 * Where a repository has submodules, in latin1: by the file that says so, as the states have no
 * links to commits. One that git cannot read says nothing.
 */
async function submodulesAt(states: States, folder: string): Promise<Set<string>> {
  const { first = "" } = states.refs;
  const prefix = folder === "" ? "" : `${folder}/`;
  const blob = `${first}:${prefix}.gitmodules`;
  const args = ["config", "--list", "-z", "--blob", blob];
  const listed = await runGit(states, args).catch(() => Buffer.alloc(0));
  const paths = listed
    .toString("latin1")
    .split("\0")
    .map((entry) => /^submodule\..*\.path\n(.+)$/s.exec(entry)?.[1] ?? "");
  return new Set(paths.filter(Boolean).map((path) => prefix + path));
}

/** Those of the paths (UTF-8) that are what they were, in latin1. */
async function sameSince(
  states: States,
  { from, to, paths }: { from: string; to: string; paths: readonly string[] },
): Promise<Set<string>> {
  if (paths.length === 0) return new Set();
  const since = new Set((await changesBetween(states, from, to)).map(({ path }) => path));
  const bytes = paths.map((path) => Buffer.from(path).toString("latin1"));
  return new Set(bytes.filter((path) => !since.has(path)));
}

/** Why files cannot be committed whose conflict nobody has solved; undefined: there are none. */
function aboutMarks(entries: readonly CommitEntry[]): string | undefined {
  const marked = entries.flatMap((one) => ("text" in one && isMarked(one.text) ? [one.path] : []));
  if (marked.length === 0) return undefined;
  const named = enumerated(marked.slice(0, NAMED), marked.length);
  return `Files still have the marks of a conflict (<<<<<<< ${BASE_MARKS.ours}), which the conversation's next turn can solve: ${named}.`;
}

const NAMED = 5;

const isGone = ({ status }: TreeChange): boolean => status === "D";

const blobsOf = (changes: readonly TreeChange[]): string[] =>
  changes.filter((change) => !isGone(change)).map(({ to }) => to.blob);

/** Bytes of what is in the files now, together. */
async function bytesOf(states: States, changes: readonly TreeChange[]): Promise<number> {
  const args = ["cat-file", "--batch-check=%(objectsize)"];
  const input = blobsOf(changes).join("\n");
  const sizes = (await runGit(states, args, { input })).toString();
  return sizes.split("\n").reduce((sum, size) => sum + Number(size), 0);
}

/** @param cut how much of each path is that of the repository's folder */
async function entriesOf(
  states: States,
  changes: readonly TreeChange[],
  cut: number,
): Promise<CommitEntry[]> {
  const input = blobsOf(changes).join("\n");
  let rest = await runGit(states, ["cat-file", "--batch"], { input });
  return changes.map((change) => {
    const path = utf8(change.path.slice(cut));
    if (isGone(change)) return { path, gone: true };
    const mode = change.to.mode as Exclude<CommitEntry, { gone: true }>["mode"];
    // A line with the blob's id, kind and size, and then it and one line end.
    const start = rest.indexOf("\n") + 1;
    const size = Number(rest.toString("latin1", 0, start).split(" ")[2]);
    const content = rest.subarray(start, start + size);
    rest = rest.subarray(start + size + 1);
    const isText = isUtf8(content) && !content.includes(0);
    return isText
      ? { path, mode, text: content.toString() }
      : { path, mode, base64: content.toString("base64") };
  });
}
