import { existsSync, readdirSync, readFileSync } from "node:fs";
import { memoryHeldBy, sharedOfMachine } from "./memory.ts";

/** One live process of this machine, out of `/proc`. */
interface ProcessEntry {
  pid: number;
  parent: number;
  threads: number;
  residentBytes: number;
}

/** Processes of which we are the ancestor, or that carry a variable that only we handed out. */
export interface ProcessTree {
  /** The process at its top. */
  root: number;
  /** `NAME=value`, unique to this tree; finds processes that left it for a session of their own. */
  cookie?: string;
}

/** A process that is at work though whoever started it has ended. */
export interface LeftProcess {
  /** Its program and arguments in one text, as it shows them: data, of any length. */
  command(): string;
}

const fieldOf = (status: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);

/** Every process that runs; empty where there is no `/proc`. */
function listProcesses(): ProcessEntry[] {
  return processIds().flatMap((pid) => {
    const status = readOf(pid, "status")?.toString();
    if (status === undefined || /^State:\s+[ZX]/m.test(status)) return [];
    const residentBytes = fieldOf(status, "VmRSS") * 1024;
    const [parent, threads] = [fieldOf(status, "PPid"), fieldOf(status, "Threads")];
    return [{ pid, parent, threads, residentBytes }];
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
function readOf(pid: number, file: "status" | "environ" | "cmdline"): Buffer | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`);
  } catch {
    return undefined;
  }
}

function membersOf({ root, cookie }: ProcessTree): ProcessEntry[] {
  const all = listProcesses();
  const members = descendantsOf(root, all);
  return all.filter(({ pid }) => members.has(pid) || hasCookie(pid, cookie));
}

/** A process, its children, theirs, and so on. */
function descendantsOf(root: number | undefined, all: readonly ProcessEntry[]): Set<number> {
  const members = new Set(root === undefined ? [] : [root]);
  for (let before = -1; before < members.size; ) {
    before = members.size;
    for (const { pid, parent } of all) if (members.has(parent)) members.add(pid);
  }
  return members;
}

function hasCookie(pid: number, cookie: string | undefined): boolean {
  if (cookie === undefined || pid === process.pid) return false;
  return `\0${readOf(pid, "environ")?.toString("latin1") ?? ""}`.includes(`\0${cookie}\0`);
}

/** What a tree uses of the machine. */
export interface Usage {
  processes: number;
  threads: number;
  /** Memory, in bytes. */
  residentBytes: number;
}

/**
 * The machine's shared memory, seen before the tree began to use it, and how much the tree may use.
 */
export interface MemoryView {
  limitBytes: number;
  sharedBefore: number;
}

/**
 * What the tree uses. Its memory is estimated from above, with shared pages counted once per
 * process and whatever shared memory the machine has more than before; if that is over the limit,
 * it is counted.
 */
export function usageOf(tree: ProcessTree, memory?: MemoryView): Usage {
  const members = membersOf(tree);
  const estimate = sumOf(members, "residentBytes");
  const usage = { processes: members.length, threads: sumOf(members, "threads") };
  if (memory === undefined) return { ...usage, residentBytes: estimate };
  const shared = Math.max(0, sharedOfMachine() - memory.sharedBefore);
  const isFine = estimate + shared <= memory.limitBytes;
  const { pids, init } = sandboxOf(tree, members);
  return { ...usage, residentBytes: isFine ? estimate : memoryHeldBy(pids, init) };
}

const sumOf = (members: readonly ProcessEntry[], key: "residentBytes" | "threads"): number =>
  members.reduce((sum, member) => sum + member[key], 0);

/** The tree's processes, and the first in the sandbox whose maker is at its top. */
export function sandboxOf(
  tree: ProcessTree,
  members: readonly ProcessEntry[] = membersOf(tree),
): { pids: number[]; init: number | undefined } {
  const init = members.find(({ parent }) => parent === tree.root)?.pid;
  return { pids: members.map(({ pid }) => pid), init };
}

/**
 * The processes of a tree that neither are ours nor descend from the agent, each without those that
 * descend from it. Empty where there is no `/proc`.
 */
export function leftIn(tree: ProcessTree): LeftProcess[] {
  const members = membersOf(tree);
  const { init } = sandboxOf(tree, members);
  const relay = tree.cookie === undefined ? relayBelow(init, members) : tree.root;
  const others = new Set(members.map(({ pid }) => pid));
  for (const pid of [tree.root, ...(tree.cookie === undefined ? [init] : [])])
    others.delete(pid ?? 0);
  for (const pid of descendantsOf(relay, members)) others.delete(pid);
  return members
    .filter(({ pid, parent }) => others.has(pid) && !others.has(parent))
    .map(({ pid }) => ({ command: () => commandOf(pid) }));
}

/**
 * What bwrap starts is the second process of its sandbox, and no other has that number while it is
 * there.
 */
const relayBelow = (init: number | undefined, members: readonly ProcessEntry[]) =>
  members.find(
    ({ pid, parent }) =>
      parent === init && /^NSpid:.*\t2$/m.test(readOf(pid, "status")?.toString() ?? ""),
  )?.pid;

function commandOf(pid: number): string {
  const words = readOf(pid, "cmdline")?.toString().replaceAll("\0", " ").trim();
  if (words) return words;
  return /^Name:\s+(.+)$/m.exec(readOf(pid, "status")?.toString() ?? "")?.[1] ?? "a process";
}

const MAX_POLL_MS = 20;
const KILL_MS = 5_000;

/**
 * Kills the tree and waits until it is gone.
 *
 * With a cookie each member is killed, again and again while new ones appear. Without, killing the
 * root is enough: it is the sandbox, whose processes the kernel ends with it. Where there is no
 * `/proc`, the root's process group is all that can be found.
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
  const giveUpAt = Date.now() + KILL_MS;
  for (let poll = 0, members = first; members.length > 0; members = membersNow()) {
    if (Date.now() > giveUpAt)
      throw new Error(`${members.length} processes of the agent do not end`);
    for (const { pid } of members) if (pid === tree.root || tree.cookie) kill(pid);
    await new Promise((resolve) => setTimeout(resolve, Math.min(2 ** poll++, MAX_POLL_MS)));
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
