import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Output } from "../../../shared/documents/manifest.ts";
import type { Session } from "../../../shared/documents/session.ts";
import { sha256 } from "../../../shared/hash.ts";
import type { Objects } from "../attempt/objects.ts";
import { sessionPaths } from "../engines/claude-code/command.ts";
import { type Helper, type NotStarted, runHelper } from "../sandbox/helper.ts";
import { oneLine } from "../text.ts";
import { GIT_ENVIRONMENT, NO_ATTRIBUTES } from "./git-states.ts";
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

/**
 * Puts the session's files where `--resume` finds them, all of them or none.
 *
 * @returns why the session cannot be restored, if so.
 * @throws if the storage cannot be asked.
 */
export async function restoreSession(
  { sessionId, engine, files }: Session,
  { objects, home, engineName }: { objects: Objects; home: string; engineName: string },
): Promise<Loss | undefined> {
  if (engine.name !== engineName) return { why: `it is one of ${oneLine(engine.name, 50)}` };
  const { file, folder } = sessionPaths(sessionId);
  const parent = dirname(file);
  const contents = new Map<string, Buffer>();
  for (const output of files) {
    const path = join(parent, output.name.replace(/^session\//, ""));
    if (path !== file && !path.startsWith(`${folder}/`)) return { why: "it has a file of another" };
    const content = await readOutput(objects, output);
    if (content === undefined) return { why: `${output.name} is missing or damaged` };
    contents.set(path, content);
  }
  if (!contents.has(file)) return { why: "the turn before left none" };
  for (const [path, content] of contents) {
    await mkdir(dirname(join(home, path)), { recursive: true });
    await writeFile(join(home, path), content, { mode: 0o600 });
  }
  return undefined;
}

/** Runs in the workspace, with the diff on standard input; `$1` is a folder to be made, `$2` attributes. */
const SCRIPT = `set -eu
git init --quiet --bare --template= "$1"
mkdir "$1/info"
printf '%s' "$2" > "$1/info/attributes"
git --git-dir="$1" --work-tree=. apply --binary --whitespace=nowarn -
rm -rf "$1"
`;

/**
 * Applies an earlier run's diff to the workspace: byte for byte, whatever the workspace's attributes say.
 *
 * @returns what the diff itself says that it leaves out, or why it cannot be applied.
 * @throws if the storage cannot be asked.
 */
export async function restoreWorkspace(
  output: Output,
  objects: Objects,
  helper: Helper,
): Promise<{ notes: string[] } | Loss | NotStarted> {
  const diff = await readOutput(objects, output);
  if (diff === undefined) return { why: `its ${output.name} is missing or damaged` };
  const notes = notesOf(diff);
  if (!diff.subarray(0, 11).equals(Buffer.from("diff --git "))) return { notes };
  const run = await runHelper(helper, {
    command: ["/bin/sh", "-c", SCRIPT, "apply", `${helper.temporary}/apply.git`, NO_ATTRIBUTES],
    environment: { ...GIT_ENVIRONMENT, PATH: helper.path },
    input: diff,
  });
  if (run.isDone) return { notes };
  const { stoppedBy } = run;
  if (stoppedBy === "cancel" || stoppedBy === "terminated") {
    return { failedStep: null, stoppedBy, error: null };
  }
  const said = oneLine(run.complaint.trim().split("\n")[0] ?? "", 200);
  return { why: `its ${output.name} does not apply (${said || stoppedBy || "git failed"})` };
}

/** The sentences at the end of a diff. */
function notesOf(diff: Buffer): string[] {
  const lines = diff.subarray(-4096).toString().trimEnd().split("\n");
  const from = lines.findLastIndex((line) => !line.startsWith(NOTE)) + 1;
  return lines.slice(from).map((line) => line.slice(NOTE.length));
}
