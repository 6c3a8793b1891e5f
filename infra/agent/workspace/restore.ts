import { lchown, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Output } from "../../../shared/documents/manifest.ts";
import type { Session } from "../../../shared/documents/session.ts";
import { sha256 } from "../../../shared/hash.ts";
import type { Objects } from "../attempt/objects.ts";
import type { Prepared } from "../attempt/outputs.ts";
import { sessionPaths } from "../engines/claude-code/command.ts";
import { type Helper, type NotStarted, runHelper } from "../sandbox/helper.ts";
import type { Folders } from "../sandbox/place.ts";
import { removeTree } from "../sandbox/remove-tree.ts";
import type { StopCause } from "../sandbox/watch.ts";
import { oneLine } from "../text.ts";
import { DIFF } from "./diff.ts";
import { GIT_ENVIRONMENT, NO_ATTRIBUTES, runGit } from "./git.ts";
import { recordState, type States } from "./git-states.ts";
import { BARE_SCRIPT, bareFrom, bareInput } from "./modes.ts";
import { NOTE } from "./patch.ts";

/** Why something that an earlier turn left cannot be used; the end of a sentence. */
export interface Loss {
  why: string;
}

/** An output of an earlier run, or undefined: it is not there, or not what it was. */
async function readOutput(objects: Objects, output: Output): Promise<Buffer | undefined> {
  const content = await objects.find(output.object);
  if (content === undefined || content.length !== output.sizeBytes) return undefined;
  return sha256(content) === output.sha256 ? content : undefined;
}

interface Restoring extends Pick<Folders, "home" | "hostUser"> {
  objects: Objects;
  engineName: string;
}

/**
 * Puts the session's files where `--resume` finds them, all of them or none.
 *
 * @returns why the session cannot be restored, if so.
 * @throws if the storage cannot be asked.
 */
export async function restoreSession(
  { sessionId, engine, files }: Session,
  { objects, engineName, ...folders }: Restoring,
): Promise<Loss | undefined> {
  if (engine.name !== engineName) return { why: `it is one of ${oneLine(engine.name, 50)}` };
  const { file, folder } = sessionPaths(sessionId);
  const parent = dirname(file);
  const contents = new Map<string, Buffer>();
  for (const output of files) {
    const path = join(parent, output.name.replace(/^session\//, ""));
    if (path !== file && !path.startsWith(`${folder}/`)) return { why: "it has a file of another" };
    const content = await readOutput(objects, output);
    if (content === undefined) return { why: `${output.name} is no longer kept, or damaged` };
    contents.set(path, content);
  }
  if (!contents.has(file)) return { why: "the turn before left none" };
  await putInHome(contents, folders);
  return undefined;
}

/** Writes files by their paths below the agent's home. */
async function putInHome(
  contents: ReadonlyMap<string, Buffer>,
  { home, hostUser }: Pick<Folders, "home" | "hostUser">,
): Promise<void> {
  for (const [path, content] of contents) {
    await mkdir(dirname(join(home, path)), { recursive: true });
    await writeFile(join(home, path), content, { mode: 0o600 });
    if (hostUser !== undefined) await giveBelow(home, path, hostUser);
  }
}

/**
 * Makes the agent's own folder in its home anew, with nothing in it but its session as it was
 * collected: what ran since then could have written there, into the session or beside it.
 *
 * @returns the session's lines, or undefined: no session was collected.
 */
export async function renewSession(
  folders: Pick<Folders, "home" | "hostUser">,
  sessionId: string,
  collected: readonly Prepared[],
): Promise<Buffer | undefined> {
  const { file } = sessionPaths(sessionId);
  const contents = new Map<string, Buffer>();
  for (const { name, path, content } of collected) {
    if (!name.startsWith(SESSION)) continue;
    const below = join(dirname(file), name.slice(SESSION.length));
    contents.set(below, content ?? (await readFile(path)));
  }
  const lines = contents.get(file);
  if (lines === undefined) return undefined;
  const fault = await removeTree(join(folders.home, engineFolder(file)));
  if (fault !== undefined) throw new Error(fault);
  await putInHome(contents, folders);
  return lines;
}

const SESSION = "session/";
const engineFolder = (file: string): string => file.slice(0, file.indexOf("/"));

/** Makes a file, and the folders between `home` and it, the property of the sandbox's user. */
async function giveBelow(home: string, path: string, user: number): Promise<void> {
  for (let at = path; at !== "."; at = dirname(at)) await lchown(join(home, at), user, user);
}

/**
 * Runs in the workspace, with the diff on standard input; `$1` is a folder to be made, `$2`
 * attributes, `$3` an option.
 */
const SCRIPT = `set -eu
git init --quiet --bare --template= "$1"
mkdir "$1/info"
printf '%s' "$2" > "$1/info/attributes"
git --git-dir="$1" --work-tree=. apply --binary --whitespace=nowarn $3 -
rm -rf "$1"
`;

/**
 * Applies an earlier run's diff to the workspace: byte for byte, whatever the workspace's
 * attributes say. In reverse it takes one back that was applied.
 *
 * @returns what the diff itself says that it leaves out, or why it cannot be applied.
 * @throws if the storage cannot be asked.
 */
export async function restoreWorkspace(
  output: Output,
  objects: Objects,
  { helper, isReverse = false }: { helper: Helper; isReverse?: boolean },
): Promise<{ notes: string[] } | Loss | NotStarted> {
  const diff = await readOutput(objects, output);
  if (diff === undefined) return { why: `its ${output.name} is no longer kept, or damaged` };
  const last = linesAfter(diff);
  const notes = last.filter((line) => line.startsWith(NOTE)).map((line) => line.slice(NOTE.length));
  if (diff.subarray(0, 11).equals(Buffer.from("diff --git "))) {
    const failure = await applyDiff(diff, output, { helper, isReverse });
    if (failure !== undefined) return failure;
  }
  return isReverse ? { notes } : makeBare(last, notes, helper);
}

const APPLY = ["/bin/sh", "-c", SCRIPT, "apply"] as const;

/** Makes the workspace what it was at a commit of its states, and records that. */
export async function takeBack(
  states: States,
  commit: string,
  helper: Helper,
): Promise<Loss | NotStarted | undefined> {
  const { restored = "" } = states.refs;
  const diff = await runGit(states, [...DIFF, "-p", "--binary", "--full-index", restored, commit]);
  const name = "list of the request's files";
  const failure =
    diff.length > 0 && (await applyDiff(diff, { name }, { helper, isReverse: false }));
  if (failure) return failure;
  await recordState(states, "restored");
  return undefined;
}

async function applyDiff(
  diff: Buffer,
  output: Pick<Output, "name">,
  { helper, isReverse }: { helper: Helper; isReverse: boolean },
): Promise<Loss | NotStarted | undefined> {
  const run = await runHelper(helper, {
    command: [...APPLY, `${helper.temporary}/apply.git`, NO_ATTRIBUTES, isReverse ? "-R" : ""],
    environment: { ...GIT_ENVIRONMENT, PATH: helper.path },
    input: diff,
  });
  if (run.isDone) return undefined;
  if (isEndOfBuild(run.stoppedBy)) return stopped(run.stoppedBy);
  const said = oneLine(run.complaint.trim().split("\n")[0] ?? "", 200);
  return { why: `its ${output.name} does not apply (${said || run.stoppedBy || "git failed"})` };
}

/** Makes empty folders and gives modes, as the diff's last lines say. */
async function makeBare(
  last: readonly string[],
  notes: string[],
  helper: Helper,
): Promise<{ notes: string[] } | NotStarted> {
  const input = bareInput(bareFrom(last));
  if (input.length === 0) return { notes };
  const run = await runHelper(helper, {
    command: ["/bin/bash", "-c", BARE_SCRIPT],
    environment: { LC_ALL: "C", PATH: helper.path },
    input,
  });
  if (run.isDone) return { notes };
  if (isEndOfBuild(run.stoppedBy)) return stopped(run.stoppedBy);
  const said = oneLine(run.complaint.trim().split("\n")[0] ?? "", 200);
  return { notes: [...notes, `Empty folders or modes could not be made again (${said}).`] };
}

const isEndOfBuild = (
  stoppedBy: StopCause | null,
): stoppedBy is "cancel" | "terminated" | "superseded" =>
  stoppedBy === "cancel" || stoppedBy === "terminated" || stoppedBy === "superseded";

const stopped = (stoppedBy: StopCause): NotStarted => ({
  failedStep: null,
  stoppedBy,
  error: null,
});

const OURS = "# Runyard";

/** The lines of ours at the end of a diff. No line of a file's content begins as they do. */
function linesAfter(diff: Buffer): string[] {
  let start = diff.length;
  while (start > 0) {
    const before = diff.lastIndexOf(10, start - 2) + 1;
    if (!diff.subarray(before, before + OURS.length).equals(Buffer.from(OURS))) break;
    start = before;
  }
  return diff.subarray(start).toString().split("\n").filter(Boolean);
}
