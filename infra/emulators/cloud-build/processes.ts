import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** The environment variable that every process of a step inherits: `BUILD_ID/STEP_INDEX`. */
export const COOKIE = "CLOUD_BUILD_STEP";

/** Quiet looks in a row before we believe that nothing is left: a fork may hide from one look. */
const QUIET_LOOKS = 2;
const BETWEEN_LOOKS_MS = 5;
const GIVE_UP_AFTER_LOOKS = 2000;
const FREEZE_LOOKS = 50;

/** A step's first process, leader of its own session and process group. */
export interface Leader {
  pid: number;
  /**
   * The kernel's start time of the process, so that a reused pid is not mistaken for it; ""
   * unknown.
   */
  startedAt: string;
}

interface KnownProcesses {
  leaders: readonly Leader[];
  /** Sessions of processes that were found before. */
  sessions: Set<number>;
}

interface ProcessEntry {
  pid: number;
  parent: number;
  group: number;
  session: number;
  startedAt: string;
}

/** The leader record of a process that was just started and not yet reaped. */
export function leaderOf(pid: number): Leader {
  return { pid, startedAt: readEntry(pid)?.startedAt ?? "" };
}

/**
 * Kills every process that belongs to a build or to one of its steps, and resolves when none is
 * left: those that carry the cookie, the leaders' sessions and groups, and all descendants of
 * either.
 *
 * `cookie` is `BUILD_ID/` for all of a build or `BUILD_ID/INDEX\0` for one step.
 */
// Differs: Google throws the machine away. Here a process gets away that left its session, dropped
// its environment and lost its parent, all three, before the first look. Off Linux there is no
// /proc to look in: only the leaders' groups are killed.
export async function killEverything(cookie: string, leaders: readonly Leader[]): Promise<void> {
  const sessions = new Set<number>();
  let quietLooks = 0;
  for (let look = 0; quietLooks < QUIET_LOOKS && look < GIVE_UP_AFTER_LOOKS; look++) {
    const found = process.platform === "linux" ? freeze(cookie, { leaders, sessions }) : [];
    for (const pid of found) signal(pid, "SIGKILL");
    if (process.platform !== "linux") for (const { pid } of leaders) signal(-pid, "SIGKILL");
    quietLooks = found.length === 0 ? quietLooks + 1 : 0;
    if (quietLooks < QUIET_LOOKS) await sleep(BETWEEN_LOOKS_MS);
  }
}

/**
 * Stops all processes of a build until a look finds no running one, and returns them. A parent that
 * is only stopped still leads to its child; killed at once it would leave one orphaned that it
 * forked a moment before.
 */
function freeze(cookie: string, known: KnownProcesses): number[] {
  const stopped = new Set<number>();
  for (let look = 0; look < FREEZE_LOOKS; look++) {
    const running = findProcesses(cookie, known).filter(({ pid }) => !stopped.has(pid));
    if (running.length === 0) break;
    for (const { pid, session } of running) {
      signal(pid, "SIGSTOP");
      stopped.add(pid);
      known.sessions.add(session);
    }
  }
  return [...stopped];
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Already gone, or not ours any more.
  }
}

/** One look at all processes. */
function findProcesses(cookie: string, known: KnownProcesses): ProcessEntry[] {
  const entries = readEntries();
  const groups = new Set(trueLeaders(known.leaders, entries).map(({ pid }) => pid));
  const found = new Set<number>();
  for (const { pid, group, session } of entries.values()) {
    const isKnown = groups.has(group) || groups.has(session) || known.sessions.has(session);
    if (isKnown || hasCookie(pid, cookie)) found.add(pid);
  }
  addDescendants(found, entries);
  found.delete(process.pid);
  return [...entries.values()].filter(({ pid }) => found.has(pid));
}

/** Without the leaders whose pid now belongs to somebody else. */
function trueLeaders(
  leaders: readonly Leader[],
  entries: ReadonlyMap<number, ProcessEntry>,
): Leader[] {
  return leaders.filter(({ pid, startedAt }) => {
    const holder = entries.get(pid);
    return holder === undefined || startedAt === "" || holder.startedAt === startedAt;
  });
}

function addDescendants(found: Set<number>, entries: ReadonlyMap<number, ProcessEntry>): void {
  for (let sizeBefore = -1; sizeBefore !== found.size; ) {
    sizeBefore = found.size;
    for (const { pid, parent } of entries.values()) if (found.has(parent)) found.add(pid);
  }
}

function readEntries(): Map<number, ProcessEntry> {
  const entries = new Map<number, ProcessEntry>();
  for (const name of readdirSync("/proc")) {
    const entry = /^\d+$/.test(name) ? readEntry(Number(name)) : undefined;
    if (entry !== undefined && !entry.isDead) entries.set(entry.pid, entry);
  }
  return entries;
}

/** `/proc/PID/stat`; the command in brackets may itself hold brackets and spaces. */
function readEntry(pid: number): (ProcessEntry & { isDead: boolean }) | undefined {
  const stat = readOrEmpty(`/proc/${pid}/stat`);
  if (stat === "") return undefined;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return {
    pid,
    isDead: fields[0] === "Z" || fields[0] === "X",
    parent: Number(fields[1]),
    group: Number(fields[2]),
    session: Number(fields[3]),
    startedAt: fields[19] ?? "",
  };
}

function hasCookie(pid: number, cookie: string): boolean {
  return `\0${readOrEmpty(`/proc/${pid}/environ`)}`.includes(`\0${COOKIE}=${cookie}`);
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
