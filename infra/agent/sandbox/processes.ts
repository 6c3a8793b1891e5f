import { existsSync, readdirSync, readFileSync } from "node:fs";

/** One live process of this machine, out of `/proc`. */
interface ProcessEntry {
  pid: number;
  parent: number;
  residentBytes: number;
}

/** Processes of which we are the ancestor, or that carry a variable that only we handed out. */
export interface ProcessTree {
  /** The process at its top. */
  root: number;
  /** `NAME=value`, unique to this tree; finds processes that left it for a session of their own. */
  cookie?: string;
}

const fieldOf = (status: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);

/** Every process that runs; empty where there is no `/proc`. */
function listProcesses(): ProcessEntry[] {
  return processIds().flatMap((pid) => {
    const status = readOf(pid, "status")?.toString();
    if (status === undefined || /^State:\s+[ZX]/m.test(status)) return [];
    const residentBytes = fieldOf(status, "VmRSS") * 1024;
    return [{ pid, parent: fieldOf(status, "PPid"), residentBytes }];
  });
}

function processIds(): number[] {
  try {
    return readdirSync("/proc").map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

/** A file of a process, or undefined: it ended meanwhile, or is not ours. */
function readOf(pid: number, file: "status" | "environ"): Buffer | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`);
  } catch {
    return undefined;
  }
}

function membersOf({ root, cookie }: ProcessTree): ProcessEntry[] {
  const all = listProcesses();
  const members = new Set([root]);
  for (let before = 0; before < members.size; ) {
    before = members.size;
    for (const { pid, parent } of all) if (members.has(parent)) members.add(pid);
  }
  return all.filter(({ pid }) => members.has(pid) || hasCookie(pid, cookie));
}

function hasCookie(pid: number, cookie: string | undefined): boolean {
  if (cookie === undefined || pid === process.pid) return false;
  return `\0${readOf(pid, "environ")?.toString("latin1") ?? ""}`.includes(`\0${cookie}\0`);
}

/** What a tree uses of the machine. */
export interface Usage {
  processes: number;
  /** Memory, in bytes. Shared pages count once per process. */
  residentBytes: number;
}

export function usageOf(tree: ProcessTree): Usage {
  const members = membersOf(tree);
  const residentBytes = members.reduce((sum, entry) => sum + entry.residentBytes, 0);
  return { processes: members.length, residentBytes };
}

const POLL_MS = 20;
const KILL_POLLS = 250;

/**
 * Kills the tree and waits until it is gone.
 *
 * With a cookie each member is killed, again and again while new ones appear. Without, killing the root
 * is enough: it is the sandbox, whose processes the kernel ends with it. Where there is no `/proc`, the
 * root's process group is all that can be found.
 *
 * @throws if something is still there after 5 s.
 */
export async function killTree(tree: ProcessTree): Promise<void> {
  if (!existsSync("/proc")) return kill(-tree.root);
  const first = membersOf(tree);
  const isOfSandbox = new Set(first.map(({ pid }) => pid));
  const membersNow = (): ProcessEntry[] =>
    tree.cookie === undefined
      ? listProcesses().filter(({ pid }) => isOfSandbox.has(pid))
      : membersOf(tree);
  for (let poll = 0, members = first; members.length > 0; members = membersNow()) {
    if (poll++ === KILL_POLLS)
      throw new Error(`${members.length} processes of the agent do not end`);
    for (const { pid } of members) if (pid === tree.root || tree.cookie) kill(pid);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
