import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import type { Client } from "../client/client.ts";
import { ProblemError } from "../client/problem-error.ts";
import type { Run } from "../client/types.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { Failure } from "./failure.ts";
import { changedFiles } from "./result.ts";
import { complain } from "./terminal.ts";
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

/**
 * Has git apply what a run changed to the working tree of the present folder.
 *
 * @param options.is3way whether conflicts are left in the files, with git's marks
 * @param options.isTried only says whether it applies, and changes nothing
 * @throws {Failure} if the folder is in no repository, or git refuses
 */
export async function applyRun(
  { id, done, output }: Run,
  client: Client,
  { is3way, isTried = false }: { is3way: boolean; isTried?: boolean },
): Promise<ExitCode> {
  if (!done) throw new Failure(`Run ${id} is still at work; its patch is there when it is over.`);
  const tree = await workingTree();
  const patch = await patchOf(id, client);
  if (patch === undefined || patch.length === 0) {
    complain("Nothing to apply: the run changed nothing.");
    return EXIT.done;
  }
  // From its top: in a folder below, git passes over what lies outside of that.
  const options = [...(is3way ? ["--3way"] : []), ...(isTried ? ["--check"] : [])];
  const { code, errors } = await git(["-C", tree, "apply", ...options, "-"], patch);
  if (code !== 0) throw refusal(errors, id, is3way && !isTried);
  const changes = output ? changedFiles(output) : "the patch";
  complain(isTried ? `It applies: ${changes}` : `Applied: ${changes}`);
  if (errors.trim() !== "") complain(errors.trimEnd());
  return EXIT.done;
}

/** The top of the working tree that the present folder is in. */
async function workingTree(): Promise<string> {
  const { code, output } = await git(["rev-parse", "--show-toplevel"]);
  const tree = output.replace(/\n$/, "");
  if (code === 0 && tree !== "") return tree;
  throw new Failure(
    `${process.cwd()} is in no working tree of git: go to a clone of the run's repository, or begin one with git init.`,
  );
}

function refusal(errors: string, id: string, is3way: boolean): Failure {
  const remedy = is3way
    ? "Where it could, git has left the conflicts in the files; git status shows them."
    : `Nothing was changed. --3way leaves conflicts in the files; ${typed(["diff", id])} shows the patch.`;
  return new Failure(`git does not apply the patch:\n${errors.trimEnd()}\n${remedy}`);
}

async function git(
  args: string[],
  input: Buffer = Buffer.alloc(0),
): Promise<{ code: number | null; output: string; errors: string }> {
  // No hook runs with `git apply`, and no path of a patch leads out of the tree; `core.hooksPath`
  // and `core.fsmonitor` are said nevertheless, since the tree's settings may be anybody's.
  const safe = ["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"];
  const child = spawn("git", [...safe, ...args], { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  try {
    const [output, errors, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close") as Promise<[number | null]>,
    ]);
    return { code, output, errors };
  } catch (error) {
    throw new Failure("git cannot be started: install it and try again.", { cause: error });
  }
}
