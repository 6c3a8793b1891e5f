import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, lstatSync, readlinkSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { RUN_LIMITS } from "../../../shared/limits.ts";
import { oneLine } from "../text.ts";
import { limitOption } from "./hard-limits.ts";
import { makeReachable } from "./hidden-paths.ts";
import { newHostUser } from "./host-user.ts";
import { ownSeccompFilter } from "./seccomp/filter.ts";

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
  /**
   * User and group of the machine that everything in the sandbox is, see `newHostUser`; workspace
   * and home are its own. Absent: the runner's.
   */
  hostUser?: number;
}

export interface SandboxLimits {
  /** Size of a file that a process may write, in bytes. */
  fileBytes: number;
  /** Open files of a process. */
  openFiles: number;
  /** Size of `/tmp`, in bytes; it lies in memory, and counts as such. */
  temporaryBytes: number;
  /** The same of `/dev/shm`. */
  sharedBytes: number;
  /** Memory of all processes together, in bytes. */
  memoryBytes: number;
  processes: number;
  /** Workspace, home and `/tmp` together, in bytes. */
  diskBytes: number;
}

/** Threads that there may be for each process that there may be. */
export const THREADS_PER_PROCESS = 10;

export const DEFAULT_LIMITS: SandboxLimits = {
  fileBytes: 4 * 1024 ** 3,
  openFiles: 4096,
  temporaryBytes: 1024 ** 3,
  sharedBytes: 256 * 1024 ** 2,
  memoryBytes: Number.POSITIVE_INFINITY,
  processes: 2_000,
  diskBytes: RUN_LIMITS.diskBytes,
};

/** Paths inside the sandbox. */
export const INSIDE = {
  workspace: "/workspace",
  home: "/home/agent",
  temporary: "/tmp",
  runyard: "/opt/runyard",
} as const;

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
 * Descriptors over which bwrap gets its options, separated by NUL, and the filter of system calls.
 */
const OPTIONS = 4;
const FILTER = 5;

interface Start {
  /** Where programs are looked for, in the form of `PATH`. */
  path: string;
  /** Standard input, output and error, and descriptor 3. */
  stdio: readonly ("pipe" | "ignore")[];
  /** Default: no. */
  detached?: boolean;
  /** Called when the process is there, and has not started anything yet. */
  onSpawn?(pid: number): void;
}

/**
 * Starts `command` inside bubblewrap: user 1000 without capabilities, own PID, IPC, UTS, mount and
 * network namespaces, a read-only system without settings of the kernel, the calls that the filter
 * leaves, and as its only writable folders of the machine the workspace and the agent's home.
 * Root's sandbox is made by a user who is nobody else.
 *
 * bwrap is started with an empty environment and gets its options over a descriptor, since both can
 * be read from inside.
 *
 * @throws if bwrap, or what leads to it, is not on `path`, or root's plan names no user.
 */
export function startInSandbox(
  command: readonly string[],
  plan: SandboxPlan,
  { path, stdio, detached = false, onSpawn = () => {} }: Start,
): ChildProcess {
  if (plan.hostUser === undefined && newHostUser() !== undefined) {
    throw new Error("a sandbox of root's needs a user of the machine");
  }
  const filter = ownSeccompFilter();
  const { hostUser } = plan;
  const reachable = hostUser === undefined ? { plan } : makeReachable(plan, hostUser);
  const program = (name: string) => programOn(path, name);
  const bwrap = [...bounded(plan, program), program("bwrap"), "--args", String(OPTIONS), "--"];
  const mounting = "mounts" in reachable ? reachable.mounts(program) : [];
  const giveUp = mounting.length > 0 ? asUser(hostUser, program) : [];
  const [file = "", ...args] = [...mounting, ...giveUp, ...bwrap, ...command];
  const child = spawn(file, args, {
    env: {},
    detached,
    stdio: [...stdio, "pipe", "pipe"],
    // Where root has nothing to mount before, it is given up at once; no group of root's stays.
    ...(giveUp.length === 0 && hostUser !== undefined && { uid: hostUser, gid: hostUser }),
  });
  if (child.pid !== undefined) onSpawn(child.pid);
  const options = [...isolation(), ...mounts(reachable.plan)].join("\0");
  const streams: readonly unknown[] = child.stdio;
  hand(streams[OPTIONS] as Writable, options);
  hand(streams[FILTER] as Writable, filter);
  return child;
}

/** Makes what follows another user, without any right of root's. */
function asUser(user: number | undefined, program: (name: string) => string): string[] {
  if (user === undefined) return [];
  return [
    ...[program("setpriv"), "--reuid", String(user), "--regid", String(user), "--clear-groups"],
    ...["--inh-caps=-all", "--bounding-set=-all", "--"],
  ];
}

function bounded({ limits, hostUser }: SandboxPlan, program: (name: string) => string): string[] {
  return [
    ...[program("prlimit"), "--core=0"],
    ...[limitOption("fsize", limits.fileBytes), limitOption("nofile", limits.openFiles)],
    // Counted for each user: of the runner's own user there are processes that are not the agent's.
    ...(hostUser === undefined
      ? []
      : [limitOption("nproc", limits.processes * THREADS_PER_PROCESS)]),
    "--",
  ];
}

const isolation = (): string[] => [
  ...["--unshare-user", "--uid", "1000", "--gid", "1000"],
  ...["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--unshare-net"],
  ...["--hostname", "build", "--die-with-parent", "--new-session"],
  ...["--disable-userns", "--cap-drop", "ALL", "--clearenv", "--seccomp", String(FILTER)],
];

function mounts({ workspace, home, shown, limits }: SandboxPlan): string[] {
  return [
    ...["--ro-bind", "/usr", "/usr"],
    ...SYSTEM_FOLDERS.flatMap(systemFolder),
    ...SYSTEM_FILES.flatMap((file) => ["--ro-bind-try", file, file]),
    // Read-only with all settings of the kernel in it, and the memory of other processes.
    ...["--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev"],
    ...["--size", String(limits.sharedBytes), "--tmpfs", "/dev/shm", "--remount-ro", "/dev"],
    ...["--perms", "1777", "--size", String(limits.temporaryBytes)],
    ...["--tmpfs", INSIDE.temporary],
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
  const child = startInSandbox(["/usr/bin/true"], plan, {
    path,
    stdio: ["ignore", "ignore", "pipe", "ignore"],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const [code, said] = await Promise.all([ended, text(child.stderr as NodeJS.ReadableStream)]);
  return code === 0 ? undefined : said.trim() || `bwrap ended with ${code}`;
}

/** Hands bwrap what it reads. It may end before it has read it; its exit status says why. */
function hand(stream: Writable, content: string | Buffer): void {
  stream.on("error", () => {});
  stream.end(content);
}
