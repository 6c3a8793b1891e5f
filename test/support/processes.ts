import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Every process that descends from `pid`, children before grandchildren, from /proc. */
export function descendantsOf(pid: number): number[] {
  const parents = parentsByPid();
  const found = [pid];
  for (const parent of found) {
    for (const [child, itsParent] of parents) if (itsParent === parent) found.push(child);
  }
  return found.slice(1);
}

/** Those descendants of `pid` that have `word` in their command line. */
export function descendantsWith(pid: number, word: string): number[] {
  return descendantsOf(pid).filter((child) => readOrEmpty(`/proc/${child}/cmdline`).includes(word));
}

/** The value of a variable that a process was started with; undefined: it has none of this name. */
export function variableOf(pid: number, name: string): string | undefined {
  const variables = readOrEmpty(`/proc/${pid}/environ`).split("\0");
  return variables.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** Every process of this machine that was started with a variable whose value is wanted. */
export function processesWithVariable(
  name: string,
  isWanted: (value: string) => boolean,
): number[] {
  const pids = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
  return pids.map(Number).filter((pid) => {
    const value = isAlive(pid) ? variableOf(pid, name) : undefined;
    return value !== undefined && isWanted(value);
  });
}

/**
 * Every process of this machine whose arguments or variables name a path, or that is at work below
 * it.
 */
export function processesAt(path: string): number[] {
  const pids = readdirSync("/proc").filter(
    (entry) => /^\d+$/.test(entry) && isAlive(Number(entry)),
  );
  const places = (pid: string) => [
    ...["cmdline", "environ"].map((file) => readOrEmpty(`/proc/${pid}/${file}`)),
    linkOrEmpty(`/proc/${pid}/cwd`),
  ];
  return pids.filter((pid) => places(pid).some((text) => text.includes(path))).map(Number);
}

function linkOrEmpty(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

/** Whether a process is there and is not a zombie. */
export function isAlive(pid: number): boolean {
  return statOf(pid) !== undefined && statOf(pid)?.state !== "Z";
}

/** Kills each that is still there: one of them may end because another did. */
export function killAll(pids: number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

/** Whether a process of this machine has an argument that ends in `end`. */
export function isAnyProcessWith(end: string): boolean {
  return readdirSync("/proc").some((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(`${end}\0`);
    } catch {
      return false;
    }
  });
}

function parentsByPid(): Map<number, number> {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : undefined;
    if (stat !== undefined) parents.set(Number(name), stat.parent);
  }
  return parents;
}

function statOf(pid: number): { state: string; parent: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may hold anything; what follows it is split by spaces.
    const [state = "", parent = ""] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}
