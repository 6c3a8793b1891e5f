import { readdirSync, readFileSync } from "node:fs";

/** The pids of the running processes whose arguments contain `mark`. */
export function processesWith(mark: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => read(`/proc/${pid}/cmdline`).includes(mark));
}

/** The pids of those that sleep for exactly this long: shells that are about to do not. */
export function sleepingWith(duration: string): number[] {
  return processesWith(duration).filter(
    (pid) => read(`/proc/${pid}/cmdline`) === `sleep\0${duration}\0`,
  );
}

/** How many of them there are. */
export function countSleeping(duration: string): number {
  return sleepingWith(duration).length;
}

/** The pid of a process's parent. */
export function parentOf(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

/** A length of sleep that no other process has: it marks the processes of one test. */
export function uniqueSleep(seconds = "600"): string {
  return `${seconds}.${Math.floor(Math.random() * 1e12)}`;
}

/**
 * A script that leaves three processes sleeping: itself, a child, and a grandchild in a session of
 * its own; and one more whose parent is gone.
 */
export function sleepers(duration: string): string {
  return `sleep ${duration} & setsid sleep ${duration} & (setsid sleep ${duration} &) ; sleep ${duration}`;
}
