import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

/** What the processes of a control group may use together. */
export interface CgroupLimits {
  memoryBytes: number;
  /** Processes and their threads. */
  tasks: number;
}

/** A control group of the kernel: its bounds hold, whatever the processes in it do. */
export interface Cgroup {
  /** Puts a process into it that has started nothing yet. */
  join(pid: number): void;
  /** Which of the bounds something in it has run into. */
  exceeded(): "memory" | "processes" | undefined;
  /** Call when nothing is left in it. */
  remove(): void;
}

/**
 * Where the group lies, and who counts what there. One folder in version 2, up to two in version 1.
 */
interface Place {
  version: 1 | 2;
  folder: string;
}

const PREFIX = "runyard-";
let made = 0;

/**
 * Makes a control group below our own, or below the topmost one that we see.
 *
 * @param top where the machine's file system begins; for tests
 * @returns undefined if memory cannot be bound so: as a rule only root may make such a group, and
 * some
 *   containers show them read-only. Then whoever watches has to count.
 */
export function makeCgroup(limits: CgroupLimits, top = "/"): Cgroup | undefined {
  const [memoryBytes, tasks] = [Math.floor(limits.memoryBytes), limits.tasks];
  if (!Number.isSafeInteger(memoryBytes)) return undefined;
  const name = `${PREFIX}${process.pid}-${++made}`;
  const places: Place[] = [];
  try {
    const controllers = controllersOf(top);
    const memory = makeIn(controllers.memory, name);
    if (memory === undefined) return undefined;
    places.push(memory);
    if (memory.version === 2) {
      write(memory.folder, "memory.max", memoryBytes);
      tryTo(() => write(memory.folder, "memory.swap.max", 0));
      tryTo(() => write(memory.folder, "memory.oom.group", 1));
      write(memory.folder, "pids.max", tasks);
    } else {
      write(memory.folder, "memory.limit_in_bytes", memoryBytes);
      tryTo(() => write(memory.folder, "memory.memsw.limit_in_bytes", memoryBytes));
      const pids = makeIn(controllers.pids, name);
      if (pids !== undefined) {
        places.push(pids);
        write(pids.folder, "pids.max", tasks);
      }
    }
    return groupOf(places);
  } catch {
    for (const { folder } of places) tryTo(() => rmdirSync(folder));
    return undefined;
  }
}

function groupOf(places: readonly Place[]): Cgroup {
  const eventsOf = (file: string, event: string): number =>
    places.reduce((sum, { folder }) => sum + countIn(join(folder, file), event), 0);
  return {
    join(pid) {
      for (const { folder } of places) write(folder, "cgroup.procs", pid);
    },
    exceeded() {
      if (eventsOf("memory.events", "oom_kill") + eventsOf("memory.oom_control", "oom_kill") > 0) {
        return "memory";
      }
      return eventsOf("pids.events", "max") > 0 ? "processes" : undefined;
    },
    remove() {
      for (const { folder } of places) tryTo(() => rmdirSync(folder));
    },
  };
}

const write = (folder: string, file: string, value: number | string): void =>
  writeFileSync(join(folder, file), String(value));

/** The number behind `event` in a file of lines `event number`. */
function countIn(file: string, event: string): number {
  try {
    const line = readFileSync(file, "utf8")
      .split("\n")
      .find((text) => text.startsWith(`${event} `));
    return Number(line?.split(" ")[1] ?? 0);
  } catch {
    return 0;
  }
}

function tryTo(act: () => void): void {
  try {
    act();
  } catch {
    // The kernel has no such bound, or the group is in use: nothing depends on it.
  }
}

/** Folders of a controller in which a group may be tried, and their version. */
interface Candidates {
  version: 1 | 2;
  parents: string[];
}

/**
 * Finds who counts memory and processes: a hierarchy each in version 1, one for all in version 2.
 */
function controllersOf(top: string): Record<"memory" | "pids", Candidates | undefined> {
  const own = readFileSync(join(top, "proc/self/cgroup"), "utf8").trim().split("\n");
  const mounts = readFileSync(join(top, "proc/self/mountinfo"), "utf8").trim().split("\n");
  const find = (controller: "memory" | "pids"): Candidates | undefined => {
    for (const mount of mounts) {
      const [before = "", after = ""] = mount.split(" - ");
      const [, , , root = "", point = ""] = before.split(" ");
      const [type = "", , options = ""] = after.split(" ");
      const version = type === "cgroup2" ? 2 : 1;
      if (version === 1 && !(type === "cgroup" && options.split(",").includes(controller)))
        continue;
      const folder = join(top, point);
      if (version === 2 && !wordsIn(folder, "cgroup.controllers").includes(controller)) continue;
      const line = own.find((text) => {
        const names = text.split(":")[1] ?? "";
        return version === 2 ? names === "" : names.split(",").includes(controller);
      });
      const path = line?.split(":").slice(2).join(":") ?? "/";
      // A container may see the path of its machine, which lies outside of what it sees.
      return { version, parents: [join(folder, relative(root, path)), folder] };
    }
    return undefined;
  };
  return { memory: find("memory"), pids: find("pids") };
}

function makeIn(candidates: Candidates | undefined, name: string): Place | undefined {
  for (const parent of new Set(candidates?.parents)) {
    try {
      const version = candidates?.version ?? 1;
      if (version === 2) handDown(parent, candidates?.parents.at(-1) === parent);
      removeLost(parent);
      const folder = join(parent, name);
      mkdirSync(folder);
      return { version, folder };
    } catch {
      // Not ours to make groups in: the next one.
    }
  }
  return undefined;
}

const CONTROLLERS = ["memory", "pids"];

/**
 * Lets groups below `parent` have bounds. In version 2 a group that hands them down has no
 * processes of its own, unless it is the machine's topmost: a container's moves its processes
 * aside.
 */
function handDown(parent: string, isTop: boolean): void {
  const handed = wordsIn(parent, "cgroup.subtree_control");
  if (CONTROLLERS.every((name) => handed.includes(name))) return;
  const ask = () =>
    write(parent, "cgroup.subtree_control", CONTROLLERS.map((name) => `+${name}`).join(" "));
  try {
    ask();
  } catch (error) {
    if (!isTop || (error as NodeJS.ErrnoException).code !== "EBUSY") throw error;
    const aside = join(parent, "runyard");
    mkdirSync(aside, { recursive: true });
    for (const pid of wordsIn(parent, "cgroup.procs"))
      tryTo(() => write(aside, "cgroup.procs", pid));
    ask();
  }
}

const wordsIn = (folder: string, file: string): string[] => {
  try {
    return readFileSync(join(folder, file), "utf8").split(/\s+/).filter(Boolean);
  } catch {
    return [];
  }
};

/** Removes groups of runners that were killed. */
function removeLost(parent: string): void {
  for (const name of readdirSync(parent)) {
    const [, pid] = new RegExp(`^${PREFIX}(\\d+)-\\d+$`).exec(name) ?? [];
    if (pid !== undefined && !isAlive(Number(pid))) tryTo(() => rmdirSync(join(parent, name)));
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
