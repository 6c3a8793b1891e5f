import { bytesOf, type PlacedFile } from "../../../shared/documents/files.ts";
import { sha256 } from "../../../shared/hash.ts";
import { pathFault } from "../../../shared/run/given-files.ts";
import type { Objects } from "../attempt/objects.ts";
import { type Helper, type NotStarted, runHelper } from "../sandbox/helper.ts";
import { oneLine } from "../text.ts";
import { commitHead, GIT_ENVIRONMENT, NO_ATTRIBUTES, quote } from "./git.ts";

/**
 * Runs in the workspace, with commands of fast-import on standard input; `$1` is a folder to be
 * made, `$2` attributes. Git replaces what is in the way, links to elsewhere among it, instead of
 * following it.
 */
const SCRIPT = `set -eu
git init --quiet --bare --template= "$1"
mkdir "$1/info"
printf '%s' "$2" > "$1/info/attributes"
git --git-dir="$1" -c core.compression=0 fast-import --quiet --depth=0
git --git-dir="$1" read-tree refs/heads/files
git --git-dir="$1" --work-tree=. checkout-index --force --all
rm -rf "$1"
`;

/**
 * Puts the files of a request into the workspace, byte for byte, in the sandbox: what a repository
 * has there cannot lead them elsewhere. They replace what is at their paths.
 *
 * @returns why that is not possible, if so.
 */
export async function placeFiles(
  files: readonly PlacedFile[],
  { helper, objects }: { helper: Helper; objects: Pick<Objects, "find"> },
): Promise<NotStarted | undefined> {
  const commands: Buffer[] = [];
  for (const file of files) {
    const bytes = bytesOf(file) ?? (await objects.find(file.content));
    const fault = faultOf(file, bytes);
    if (fault !== undefined) return misplaced(`${JSON.stringify(file.path)} ${fault}`, null);
    commands.push(...commandOf(file, bytes as Buffer));
  }
  const run = await runHelper(helper, {
    command: ["/bin/sh", "-c", SCRIPT, "place", `${helper.temporary}/files.git`, NO_ATTRIBUTES],
    environment: { ...GIT_ENVIRONMENT, PATH: helper.path },
    input: Buffer.concat([Buffer.from(commitHead("files")), ...commands]),
  });
  if (run.isDone) return undefined;
  const said = oneLine(run.complaint.trim().split("\n")[0] ?? "", 200);
  return misplaced(said || run.stoppedBy || "git failed", run.stoppedBy);
}

const misplaced = (why: string, stoppedBy: NotStarted["stoppedBy"]): NotStarted => ({
  failedStep: "checkout",
  stoppedBy,
  error: `The request's files cannot be put into the workspace: ${why}.`,
});

/**
 * What the API has checked is checked again, since that costs nothing; what was uploaded is the
 * first time.
 */
function faultOf({ path, sha256: wanted }: PlacedFile, bytes: Buffer | undefined) {
  if (pathFault(path) !== undefined) return "has no path below the workspace";
  if (bytes === undefined) return "was uploaded too long ago, and is no longer kept";
  return sha256(bytes) === wanted ? undefined : "is not what was announced: its SHA-256 is another";
}

function commandOf({ path, executable }: PlacedFile, bytes: Buffer): Buffer[] {
  const quoted = quote(Buffer.from(path).toString("latin1"));
  const mode = executable ? "100755" : "100644";
  const head = `M ${mode} inline ${quoted}\ndata ${bytes.length}\n`;
  return [Buffer.from(head), bytes, Buffer.from("\n")];
}
