import { readdirSync, readFileSync } from "node:fs";

/** Every process that descends from `pid`, children before grandchildren, from /proc. */
export function descendantsOf(pid: number): number[] {
  const parents = parentsByPid();
  const found = [pid];
  for (const parent of found) {
    for (const [child, itsParent] of parents) if (itsParent === parent) found.push(child);
  }
  return found.slice(1);
}

/** Whether a process is there and is not a zombie. */
export function isAlive(pid: number): boolean {
  return statOf(pid) !== undefined && statOf(pid)?.state !== "Z";
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
