import type { Client } from "../client/client.ts";
import { ProblemError } from "../client/problem-error.ts";
import type { Run } from "../client/types.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { Failure } from "./failure.ts";
import { mergeSent } from "./here/apply-sent.ts";
import { type Environment, seeGit } from "./here/git.ts";
import { repositoryOf } from "./here/listing.ts";
import type { Merge } from "./here/merge.ts";
import { patchOfFolder } from "./patch-of-folder.ts";
import { changedFiles } from "./result.ts";
import { complain, oneLine } from "./terminal.ts";
import { typed } from "./typed.ts";

/** What a run changed, byte for byte; undefined if that is nothing. */
export async function patchOf(id: string, client: Client): Promise<Buffer | undefined> {
  try {
    const response = await client.runs.patch(id);
    return Buffer.from(await response.arrayBuffer());
  } catch (error) {
    if (!(error instanceof ProblemError) || error.code !== "not_found") throw error;
    // Without changes there is no patch; without a run there is no document either.
    await client.runs.get(id);
    return undefined;
  }
}

export interface ApplyOptions {
  env: Environment;
  /** Whether conflicts are left in the files, with git's marks. */
  is3way: boolean;
  /** Only says whether it applies, and changes nothing. Default: false. */
  isTried?: boolean;
  /** Of a run with several repositories: the one that the tree is a clone of. */
  folder?: string | undefined;
}

/**
 * Brings what a run changed to the working tree of the present folder. One that began with a tree
 * which was sent from here is merged with what has become of that; else git applies the patch.
 *
 * @throws {Failure} if the folder is in no repository, git refuses, or there are conflicts
 */
export async function applyRun(run: Run, client: Client, options: ApplyOptions): Promise<ExitCode> {
  const { id, done, output } = run;
  const { env, folder } = options;
  if (!done) throw new Failure(`Run ${id} is still at work; its patch is there when it is over.`);
  const whole = await patchOf(id, client);
  const patch = whole && folder !== undefined ? patchOfFolder(whole, folder) : whole;
  if (patch === undefined || patch.length === 0) {
    complain("Nothing to apply: the run changed nothing.");
    return EXIT.done;
  }
  const changes = output && folder === undefined ? changedFiles(output) : "the patch";
  await using merge = await mergeSent(run, client, { patch, env });
  if (merge === undefined) await applyPatch(id, patch, { ...options, changes });
  else await applyMerge(id, merge, { ...options, changes });
  return EXIT.done;
}

interface Applying extends ApplyOptions {
  changes: string;
}

async function applyPatch(
  id: string,
  patch: Buffer,
  { env, is3way, isTried = false, folder, changes }: Applying,
): Promise<void> {
  const tree = await repositoryOf(process.cwd(), env);
  if (tree === undefined) throw noWorkingTree();
  // From its top: in a folder below, git passes over what lies outside of that.
  const strip = folder === undefined ? [] : ["-p2"];
  const options = [...strip, ...(is3way ? ["--3way"] : []), ...(isTried ? ["--check"] : [])];
  const { code, errors } = await seeGit(["-C", tree, "apply", ...options, "-"], { input: [patch] });
  if (code !== 0) throw refusal(errors, id, is3way && !isTried);
  complain(isTried ? `It applies: ${changes}` : `Applied: ${changes}`);
  if (errors.trim() !== "") complain(errors.trimEnd());
}

async function applyMerge(
  id: string,
  { conflicts, paths, write }: Merge,
  { is3way, isTried = false, changes }: Applying,
): Promise<void> {
  const said = conflicts.map((line) => `  ${oneLine(line)}`).join("\n");
  if (conflicts.length > 0 && (isTried || !is3way)) {
    throw new Failure(
      `It does not apply as a whole:\n${said}\nNothing was changed. --3way applies the rest and leaves these conflicts in the files; ${typed(["diff", id])} shows the patch.`,
    );
  }
  if (paths.length === 0 && conflicts.length === 0) {
    complain("Nothing to apply: all of it is here already.");
    return;
  }
  if (isTried) return complain(`It applies: ${changes}`);
  await write();
  if (conflicts.length === 0) return complain(`Applied: ${changes}`);
  throw new Failure(
    `Applied, with conflicts:\n${said}\nIn texts they stand between <<<<<<< yours and >>>>>>> ${id}: edit these files and take the marks out. Of other files yours is there, and a file that one side deleted.`,
  );
}

const noWorkingTree = (): Failure =>
  new Failure(
    `${process.cwd()} is in no working tree of git: go to a clone of the run's repository, or begin one with git init.`,
  );

function refusal(errors: string, id: string, is3way: boolean): Failure {
  const remedy = is3way
    ? "Where it could, git has left the conflicts in the files; git status shows them."
    : `Nothing was changed. --3way leaves conflicts in the files; ${typed(["diff", id])} shows the patch.`;
  return new Failure(`git does not apply the patch:\n${errors.trimEnd()}\n${remedy}`);
}
