import { spawn } from "node:child_process";
import { accessSync, constants, lstatSync, readlinkSync } from "node:fs";
import { delimiter, join } from "node:path";
import { text } from "node:stream/consumers";
import { oneLine } from "../text.ts";

/** A file or folder of the machine that the sandbox shows read-only. */
interface Shown {
  host: string;
  inside: string;
}

/** What the sandbox shows and allows. All host paths are absolute. */
export interface SandboxPlan {
  /** Becomes {@link INSIDE}.workspace, writable. */
  workspace: string;
  /** Becomes {@link INSIDE}.home, writable. */
  home: string;
  shown: readonly Shown[];
  limits: SandboxLimits;
}

export interface SandboxLimits {
  /** Size of a file that a process may write, in bytes. */
  fileBytes: number;
  /** Open files of a process. */
  openFiles: number;
  /** Size of `/tmp`, in bytes; it lies in memory. */
  temporaryBytes: number;
}

export const DEFAULT_LIMITS: SandboxLimits = {
  fileBytes: 4 * 1024 ** 3,
  openFiles: 4096,
  temporaryBytes: 1024 ** 3,
};

/** Paths inside the sandbox. */
export const INSIDE = {
  workspace: "/workspace",
  home: "/home/agent",
  temporary: "/tmp",
  runyard: "/opt/runyard",
} as const;

/** A program and its arguments; descriptor 4 gets bwrap's options, separated by NUL. */
export interface SandboxCommand {
  file: string;
  args: string[];
  options: string;
}

/** Folders of a machine whose `/bin`, `/lib`, … are not links into `/usr`. */
const SYSTEM_FOLDERS = ["/bin", "/sbin", "/lib", "/lib32", "/lib64"];
const SYSTEM_FILES = [
  "/etc/alternatives",
  "/etc/ca-certificates",
  "/etc/ld.so.cache",
  "/etc/localtime",
  "/etc/pki/tls/certs",
  "/etc/ssl/certs",
  "/etc/ssl/openssl.cnf",
];

/**
 * `command` inside bubblewrap: user 1000 without capabilities, own PID, IPC, UTS, mount and network
 * namespaces, a read-only system, and as its only writable folders of the machine the workspace and the
 * agent's home.
 *
 * bwrap must be started with an empty environment and gets its options over a descriptor, since both
 * can be read from inside.
 *
 * @throws if bwrap or prlimit is not on `path`.
 */
export function sandboxed(
  command: readonly string[],
  plan: SandboxPlan,
  path: string,
): SandboxCommand {
  const { limits } = plan;
  return {
    file: programOn(path, "prlimit"),
    args: [
      "--core=0",
      `--fsize=${limits.fileBytes}`,
      `--nofile=${limits.openFiles}`,
      "--",
      programOn(path, "bwrap"),
      "--args",
      "4",
      "--",
      ...command,
    ],
    options: [...isolation(), ...mounts(plan)].join("\0"),
  };
}

const isolation = (): string[] => [
  ...["--unshare-user", "--uid", "1000", "--gid", "1000"],
  ...["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--unshare-net"],
  ...["--hostname", "build", "--die-with-parent", "--new-session"],
  ...["--disable-userns", "--cap-drop", "ALL", "--clearenv"],
];

function mounts({ workspace, home, shown, limits }: SandboxPlan): string[] {
  const temporary = String(limits.temporaryBytes);
  return [
    ...["--ro-bind", "/usr", "/usr"],
    ...SYSTEM_FOLDERS.flatMap(systemFolder),
    ...SYSTEM_FILES.flatMap((file) => ["--ro-bind-try", file, file]),
    ...["--proc", "/proc", "--dev", "/dev"],
    ...["--size", temporary, "--tmpfs", "/dev/shm", "--remount-ro", "/dev"],
    ...["--perms", "1777", "--size", temporary, "--tmpfs", INSIDE.temporary],
    ...shown.flatMap(({ host, inside }) => ["--ro-bind", host, inside]),
    ...["--bind", home, INSIDE.home, "--bind", workspace, INSIDE.workspace],
    ...["--remount-ro", "/", "--chdir", INSIDE.workspace],
  ];
}

function systemFolder(path: string): string[] {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isSymbolicLink()) return ["--symlink", readlinkSync(path), path];
  return found === undefined ? [] : ["--ro-bind", path, path];
}

/** @throws if no folder of `path` (in the form of `PATH`) has the program. */
function programOn(path: string, name: string): string {
  for (const folder of path.split(delimiter)) {
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this folder.
    }
  }
  throw new Error(`${name} is not installed`);
}

const REMEDY =
  "Install bubblewrap and util-linux and allow user namespaces, or set RUNYARD_SANDBOX=none to run the agent unconfined.";

/**
 * Starts a program in the planned sandbox to see whether this machine can.
 *
 * @throws with what to do if it cannot.
 */
export async function probeSandbox(plan: SandboxPlan, path: string): Promise<void> {
  const problem = await tryOnce(plan, path).catch((error: Error) => error.message);
  if (problem !== undefined) {
    throw new Error(`The sandbox does not work here: ${oneLine(problem, 300)}. ${REMEDY}`);
  }
}

async function tryOnce(plan: SandboxPlan, path: string): Promise<string | undefined> {
  const { file, args, options } = sandboxed(["/usr/bin/true"], plan, path);
  const child = spawn(file, args, {
    env: {},
    stdio: ["ignore", "ignore", "pipe", "ignore", "pipe"],
  });
  writeOptions(child.stdio[4] as NodeJS.WritableStream, options);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const [code, said] = await Promise.all([ended, text(child.stderr as NodeJS.ReadableStream)]);
  return code === 0 ? undefined : said.trim() || `bwrap ended with ${code}`;
}

/** Hands bwrap its options. It may end before it has read them; its exit status says why. */
export function writeOptions(stream: NodeJS.WritableStream, options: string): void {
  stream.on("error", () => {});
  stream.end(options);
}
