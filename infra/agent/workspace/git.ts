import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Writable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { oneLine } from "../text.ts";

/** A repository of ours, that the agent never sees. */
export interface Repository {
  gitFolder: string;
  /** Where git is looked for, in the form of `PATH`. */
  path: string;
}

const AUTHOR = "runyard <runyard@invalid> 0 +0000";

/** Nothing of the machine's or the user's configuration of git counts. */
export const GIT_ENVIRONMENT = {
  GIT_ATTR_NOSYSTEM: "1",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_SYSTEM: "/dev/null",
  GIT_TERMINAL_PROMPT: "0",
  HOME: "/nonexistent",
  LC_ALL: "C",
} as const;

/** `.gitattributes` of the workspace must change neither what is compared nor how. */
export const NO_ATTRIBUTES =
  "* !diff !text !eol !crlf !filter !ident !working-tree-encoding !whitespace !merge !conflict-marker-size\n";

/** @throws if git is not installed. */
export async function makeRepository({ gitFolder, path }: Repository): Promise<void> {
  const init = ["init", "--quiet", "--bare", "--template=", gitFolder];
  const env = { ...GIT_ENVIRONMENT, PATH: path };
  try {
    await endOfGit(spawn("git", init, { env, stdio: ["ignore", "pipe", "pipe"] }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new Error("git is not installed; install it and run again", { cause: error });
  }
}

interface GitOptions {
  /** A folder of ours that git takes for the work tree, and starts in. Default: none. */
  workTree?: string;
  environment?: Readonly<Record<string, string>>;
  timeoutMs?: number;
}

/** Starts git on a repository of ours, with a standard input to be written to. */
export function gitOn(
  { gitFolder, path }: Repository,
  args: readonly string[],
  { workTree, environment, timeoutMs }: GitOptions = {},
): ChildProcess {
  const options = [
    `--git-dir=${gitFolder}`,
    ...(workTree === undefined ? [] : [`--work-tree=${workTree}`]),
    ...["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"],
    ...["-c", "core.compression=1", "-c", "core.quotePath=true"],
  ];
  const child = spawn("git", [...options, ...args], {
    cwd: workTree ?? gitFolder,
    env: { ...GIT_ENVIRONMENT, PATH: path, ...environment },
    stdio: ["pipe", "pipe", "pipe"],
    killSignal: "SIGKILL",
    ...(timeoutMs !== undefined && { timeout: timeoutMs }),
  });
  child.stdin?.on("error", () => {});
  return child;
}

/** Waits for git. @throws with what it said if it failed. */
async function endOfGit(child: ChildProcess): Promise<Buffer> {
  const { code, output, said } = await seeGit(child);
  if (code !== 0) throw new Error(`git failed: ${oneLine(said, 300)}`);
  return output;
}

/** Waits for git, however it ends. */
export async function seeGit(child: ChildProcess) {
  const [said, output] = await Promise.all([
    child.stderr ? text(child.stderr) : "",
    child.stdout ? buffer(child.stdout) : Buffer.alloc(0),
    child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined,
  ]);
  return { code: child.exitCode, output, said };
}

/** Runs git with `input` on its standard input. @throws with what it said if it failed. */
export function runGit(
  repository: Repository,
  args: readonly string[],
  { input = "", ...options }: GitOptions & { input?: string | Buffer } = {},
): Promise<Buffer> {
  const child = gitOn(repository, args, options);
  child.stdin?.end(input);
  return endOfGit(child);
}

export const refOf = (name: string): string => `refs/heads/${name}`;

/** The id of the commit that a ref names now. */
export const commitOf = async (repository: Repository, ref = ""): Promise<string> =>
  (await runGit(repository, ["rev-parse", "--verify", ref])).toString().trim();

/** The commands of fast-import with which a commit on the branch `name` begins. */
export const commitHead = (name: string): string =>
  `commit ${refOf(name)}\ncommitter ${AUTHOR}\ndata 0\n`;

/** Makes a commit out of commands of fast-import, on top of `parent`, as the branch `name`. */
export async function commit(
  repository: Repository,
  { name, parent }: { name: string; parent: string | undefined },
  changes: AsyncIterable<string | Buffer> | Iterable<string>,
): Promise<void> {
  // Looking for what a file has in common with the one before it costs more than it saves.
  const child = gitOn(repository, ["fast-import", "--quiet", "--force", "--depth=0"]);
  const ended = endOfGit(child);
  ended.catch(() => {});
  const stream = child.stdin as Writable;
  const write = async (piece: string | Buffer): Promise<void> => {
    if (stream.write(piece)) return;
    // Of a git that has ended its own words say more than that nobody reads any more.
    const drained = once(stream, "drain").catch(() => ended);
    await Promise.race([drained, ended]);
  };
  await write(commitHead(name));
  if (parent !== undefined) await write(`from ${parent}^0\n`);
  for await (const piece of changes) await write(piece);
  stream.end();
  await ended;
}

/** A path (bytes as latin1) in git's C style; ASCII, whatever its bytes are. */
export function quote(path: string): string {
  const escaped = path.replace(/[^ !#-[\]-~]/g, (character) => {
    return `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`;
  });
  return `"${escaped}"`;
}

/** A path (bytes as latin1) that {@link quote} has quoted. */
export const unquote = (quoted: string): string =>
  quoted
    .slice(1, -1)
    .replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));

/** One changed path (bytes as latin1) of two trees. */
export interface TreeChange {
  path: string;
  /** `A`, `D`, `M` or, of a file that became a link or the other way round, `T`. */
  status: string;
  from: { mode: string; blob: string };
  to: { mode: string; blob: string };
}

/** Commands of fast-import that make of one state the other. */
export const commandsOf = (changes: readonly TreeChange[]): string[] => [
  ...changes.filter(({ status }) => status === "D").map(({ path }) => `D ${quote(path)}\n`),
  ...changes
    .filter(({ status }) => status !== "D")
    .map(({ path, to }) => `M ${to.mode} ${to.blob} ${quote(path)}\n`),
];

/** What differs between two commits, in the order in which git writes a patch. */
export async function changesBetween(
  repository: Repository,
  from: string,
  to: string,
): Promise<TreeChange[]> {
  const args = ["diff-tree", "-r", "-z", "--raw", "--no-renames", from, to];
  const fields = (await runGit(repository, args)).toString("latin1").split("\0");
  const changes: TreeChange[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [oldMode = "", mode = "", old = "", blob = "", status = ""] = (fields[index] ?? "")
      .slice(1)
      .split(" ");
    const path = fields[index + 1] ?? "";
    changes.push({ path, status, from: { mode: oldMode, blob: old }, to: { mode, blob } });
  }
  return changes;
}
