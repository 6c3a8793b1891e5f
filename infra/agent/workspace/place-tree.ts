import type { SentTree } from "../../../shared/documents/files.ts";
import { UPLOAD_DAYS } from "../../../shared/documents/upload.ts";
import { sha256 } from "../../../shared/hash.ts";
import type { Objects } from "../attempt/objects.ts";
import { type Helper, type HelperRun, type NotStarted, runHelper } from "../sandbox/helper.ts";
import { oneLine } from "../text.ts";
import { GIT_ENVIRONMENT, NO_ATTRIBUTES } from "./git.ts";
import { BARE_SCRIPT, bareInput } from "./modes.ts";
import { commandsOfArchive, UnusableTree } from "./tree-archive.ts";

/**
 * Runs in the empty workspace, with commands of fast-import on standard input; `$1` attributes. The
 * agent has a repository whose one commit is what was sent, as it has one of a checkout. No branch:
 * `HEAD` is the commit itself, which is the same whenever the same is sent.
 */
const SCRIPT = `set -eu
git init --quiet --template= --initial-branch=main .
mkdir .git/info
printf '%s' "$1" > .git/info/attributes
git config user.name Runyard
git config user.email agent@runyard.invalid
git -c core.compression=0 -c fastimport.unpackLimit=0 fast-import --quiet --done --depth=0
git checkout --quiet --detach refs/heads/sent --
git update-ref -d refs/heads/sent
git rev-parse HEAD
`;

/**
 * Unpacks a working tree that was sent into the empty workspace, in the sandbox and by git: it
 * follows no link of it and makes nothing outside.
 *
 * @returns the commit that it is, or why that is not possible.
 */
export async function placeTree(
  tree: SentTree,
  { helper, objects }: { helper: Helper; objects: Pick<Objects, "find"> },
): Promise<{ commit: string } | NotStarted> {
  const archive = await objects.find(tree.object);
  if (archive === undefined) {
    return unplaced(`it was sent more than ${UPLOAD_DAYS} days ago, and is no longer kept`);
  }
  if (sha256(archive) !== tree.sha256) {
    return unplaced("it is not what was announced: its SHA-256 is another");
  }
  const folders: string[] = [];
  let fault: UnusableTree | undefined;
  const run = await runHelper(helper, {
    command: ["/bin/sh", "-c", SCRIPT, "place", NO_ATTRIBUTES],
    environment: { ...GIT_ENVIRONMENT, PATH: helper.path },
    input: told(commandsOfArchive(archive, { name: "sent", folders }), (error) => {
      fault = error;
    }),
  });
  if (fault !== undefined) return unplaced(`it ${fault.message}`);
  if (!run.isDone) return failed(run);
  const made = await makeFolders(folders, helper);
  return made ?? { commit: run.output.trim() };
}

async function* told<T>(
  pieces: AsyncIterable<T>,
  tell: (error: UnusableTree) => void,
): AsyncGenerator<T> {
  try {
    yield* pieces;
  } catch (error) {
    if (error instanceof UnusableTree) tell(error);
    throw error;
  }
}

/** Makes the folders that no file of the tree makes. */
async function makeFolders(
  folders: readonly string[],
  helper: Helper,
): Promise<NotStarted | undefined> {
  if (folders.length === 0) return undefined;
  const run = await runHelper(helper, {
    command: ["/bin/bash", "-c", BARE_SCRIPT],
    environment: { LC_ALL: "C", PATH: helper.path },
    input: bareInput({ folders: [...folders], modes: [] }),
  });
  return run.isDone ? undefined : failed(run);
}

function failed({ complaint, stoppedBy }: HelperRun): NotStarted {
  const said = oneLine(complaint.trim().split("\n")[0] ?? "", 200);
  return unplaced(said || stoppedBy || "git failed", stoppedBy);
}

const unplaced = (why: string, stoppedBy: NotStarted["stoppedBy"] = null): NotStarted => ({
  failedStep: "checkout",
  stoppedBy,
  error: `The working tree that was sent cannot be unpacked: ${why}.`,
});
