import { isUtf8 } from "node:buffer";
import { writeFile } from "node:fs/promises";
import { COMMIT_LIMITS, type CommitEntry } from "../../../shared/delivery/commit-file.ts";
import { BASE_MARKS, isMarked } from "../../../shared/delivery/conflict.ts";
import { committedForm } from "./committed-form.ts";
import { changesBetween, runGit, type TreeChange } from "./git.ts";
import { isBelow, type States } from "./git-states.ts";
import { enumerated } from "./omissions.ts";
import { withoutSetup } from "./replayed-states.ts";

/** What of a workspace is to be committed. */
interface Wanted {
  file: string;
  /** The commit that the workspace began with. */
  base: string;
  /** Paths of files that came with the request: unless the agent changed them they are not. */
  given: readonly string[];
}

/**
 * Writes what all turns changed since the conversation's first checkout to a file, as entries of a
 * tree: contents as git would commit them, without what setup commands did, and without what is in
 * submodules, which are repositories of their own. Of more than there is room for it writes that it
 * is so.
 *
 * Call only once the state after the agent is recorded.
 */
export async function writeCommitFile(
  states: States,
  { file, base, given }: Wanted,
): Promise<void> {
  const { first = "", restored = "" } = states.refs;
  const kept = await withoutSetup(states);
  const placed = await sameSince(states, { from: restored, to: kept, paths: given });
  const all = await changesBetween(states, first, kept);
  const isOf = (paths: ReadonlySet<string>, path: string) =>
    paths.has(path) || isBelow(path, paths);
  const modules = await submodulesAt(states, first);
  const own = all.filter(({ path }) => !isOf(placed, path));
  const changed = own.filter(({ path }) => !isOf(modules, path));
  const to = await committedForm(states, kept, { name: "committed", changes: changed, side: "to" });
  const names = new Set(changed.map(({ path }) => path));
  const forms = (await changesBetween(states, first, to)).filter(({ path }) => names.has(path));
  const named = forms.filter(({ path }) => isUtf8(Buffer.from(path, "latin1")));
  const inSubmodules = own.length - changed.length;
  const unnamed = forms.length - named.length;
  const head = { schemaVersion: 1, base, unnamed, ...(inSubmodules > 0 && { inSubmodules }) };
  const bytes = await bytesOf(states, named);
  const isTooLarge = named.length > COMMIT_LIMITS.files || bytes > COMMIT_LIMITS.bytes;
  const entries = isTooLarge ? [] : await entriesOf(states, named);
  const most = `${COMMIT_LIMITS.files} files and ${COMMIT_LIMITS.bytes} bytes`;
  const without = isTooLarge
    ? `It changed ${named.length} files with ${bytes} bytes; at most ${most} are delivered.`
    : aboutMarks(entries);
  const lines = without === undefined ? [head, ...entries] : [{ ...head, without }];
  await writeFile(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""), { mode: 0o600 });
}

/**
 * Where a state has submodules, in latin1: by the file that says so, as the states have no links to
 * commits. One that git cannot read says nothing.
 */
async function submodulesAt(states: States, state: string): Promise<Set<string>> {
  const args = ["config", "--list", "-z", "--blob", `${state}:.gitmodules`];
  const listed = await runGit(states, args).catch(() => Buffer.alloc(0));
  const paths = listed
    .toString("latin1")
    .split("\0")
    .map((entry) => /^submodule\..*\.path\n(.+)$/s.exec(entry)?.[1] ?? "");
  return new Set(paths.filter(Boolean));
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

async function entriesOf(states: States, changes: readonly TreeChange[]): Promise<CommitEntry[]> {
  const input = blobsOf(changes).join("\n");
  let rest = await runGit(states, ["cat-file", "--batch"], { input });
  return changes.map((change) => {
    const path = Buffer.from(change.path, "latin1").toString();
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
