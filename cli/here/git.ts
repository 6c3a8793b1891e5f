import { spawn } from "node:child_process";
import { once } from "node:events";
import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { Failure } from "../failure.ts";
import { oneLine } from "../terminal.ts";

/** Variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface GitOptions {
  /** Default: the present folder. */
  cwd?: string | undefined;
  /** Its standard input. Default: nothing. */
  input?: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;
  /** Default: this process's. */
  env?: Environment | undefined;
}

// No hook runs, and no path of a patch leads out of the tree; `core.hooksPath` and `core.fsmonitor`
// are said nevertheless, since the tree's settings may be anybody's.
const SAFE = ["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"];

/**
 * Runs git to its end, however that is.
 *
 * @throws {Failure} if it cannot be started; what `input` throws
 */
export async function seeGit(
  args: readonly string[],
  { cwd, input = [], env }: GitOptions = {},
): Promise<{ code: number | null; output: Buffer; errors: string }> {
  const child = spawn("git", [...SAFE, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    ...(cwd !== undefined && { cwd }),
    ...(env !== undefined && { env }),
  });
  const closed = once(child, "close") as Promise<[number | null]>;
  const said = Promise.all([buffer(child.stdout), text(child.stderr), closed]);
  said.catch(() => {});
  let fault: unknown;
  // That nobody reads any more says less than what git says of it.
  await pipeline(Readable.from(noting(input, (error) => (fault = error))), child.stdin).catch(
    () => {},
  );
  try {
    const [output, errors, [code]] = await said;
    if (fault !== undefined) throw fault;
    return { code, output, errors };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new Failure("git cannot be started: install it and try again.", { cause: error });
  }
}

/** Tells of what reading throws before it is thrown. */
async function* noting<T>(
  pieces: Iterable<T> | AsyncIterable<T>,
  note: (error: unknown) => void,
): AsyncGenerator<T> {
  try {
    yield* pieces;
  } catch (error) {
    note(error);
    throw error;
  }
}

/** Runs git and returns what it wrote. @throws {Failure} with what it said, if it failed */
export async function runGit(args: readonly string[], options: GitOptions = {}): Promise<Buffer> {
  const { code, output, errors } = await seeGit(args, options);
  if (code === 0) return output;
  const [command = ""] = args.filter((word) => !word.startsWith("-"));
  throw new Failure(`git ${command} failed: ${oneLine(errors.trim().slice(0, 300))}`);
}

/** Without what points git to another place than the one that it is started in. */
export function pointless(env: Environment): Environment {
  const { GIT_DIR, GIT_WORK_TREE, GIT_INDEX_FILE, GIT_PREFIX, GIT_OBJECT_DIRECTORY, ...rest } = env;
  return rest;
}

/** The same for a repository of ours: nobody's configuration counts. */
export const ownEnvironment = (env: Environment): Environment => ({
  ...pointless(env),
  GIT_ATTR_NOSYSTEM: "1",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_SYSTEM: "/dev/null",
  GIT_AUTHOR_NAME: "runyard",
  GIT_AUTHOR_EMAIL: "runyard@invalid",
  GIT_COMMITTER_NAME: "runyard",
  GIT_COMMITTER_EMAIL: "runyard@invalid",
  LC_ALL: "C",
});

/** No attribute of a tree changes its bytes, or how they are compared. */
export const NO_ATTRIBUTES =
  "* !diff !text !eol !crlf !filter !ident !working-tree-encoding !whitespace !merge\n";

/** A path in git's C style. */
export function quote(path: string): string {
  const escaped = Buffer.from(path)
    .toString("latin1")
    .replace(/[^ !#-[\]-~]/g, (one) => `\\${one.charCodeAt(0).toString(8).padStart(3, "0")}`);
  return `"${escaped}"`;
}
