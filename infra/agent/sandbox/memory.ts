import { readdirSync, readFileSync, readlinkSync, statfsSync, statSync } from "node:fs";

/** Folders of the sandbox that lie in memory. */
const IN_MEMORY = ["/tmp", "/dev/shm"];
const TMPFS_MAGIC = 0x01021994;
/** Descriptors that are looked at: an agent can open more than anybody can count. */
const MAX_DESCRIPTORS = 100_000;

/** Shared memory of the whole machine, in bytes: files of tmpfs and memfd, mapped or not. */
export function sharedOfMachine(): number {
  const meminfo = readOf("/proc/meminfo") ?? "";
  return Number(/^Shmem:\s+(\d+)/m.exec(meminfo)?.[1] ?? 0) * 1024;
}

/** A file system in memory: its device, and how much is in it. */
interface InMemory {
  device: number;
  usedBytes: number;
}

/** What a sandbox keeps in `/tmp` and `/dev/shm`; `init` is a process that sees them. */
export function filesInMemory(init: number, folders: readonly string[] = IN_MEMORY): InMemory[] {
  return folders.flatMap((folder) => {
    try {
      const path = `/proc/${init}/root${folder}`;
      const { type, bsize, blocks, bfree } = statfsSync(path);
      const device = statSync(path).dev;
      // Before the sandbox stands, this is the machine's own.
      const isOwn = type === TMPFS_MAGIC && statSync(folder).dev !== device;
      return isOwn ? [{ device, usedBytes: bsize * (blocks - bfree) }] : [];
    } catch {
      return [];
    }
  });
}

/**
 * What processes hold of the machine's memory, in bytes: theirs, each shared page once; what lies
 * in `/tmp` and `/dev/shm`; and files without a name (memfd), whether they are mapped or not.
 */
export function memoryHeldBy(pids: readonly number[], init: number | undefined): number {
  const files = init === undefined ? [] : filesInMemory(init);
  const ofFiles = new Set(files.map(({ device }) => device));
  const nameless = namelessFilesOf(pids);
  const mapped = new Map<string, number>();
  let bytes = files.reduce((sum, { usedBytes }) => sum + usedBytes, 0);
  for (const pid of pids) {
    for (const { device, key, sharedKey, pssBytes } of mappingsOf(pid)) {
      if (ofFiles.has(device)) continue;
      if (sharedKey) mapped.set(key, (mapped.get(key) ?? 0) + pssBytes);
      else bytes += pssBytes;
    }
  }
  for (const key of new Set([...nameless.keys(), ...mapped.keys()])) {
    bytes += Math.max(nameless.get(key) ?? 0, mapped.get(key) ?? 0);
  }
  return bytes;
}

interface Mapping {
  device: number;
  /** The file. */
  key: string;
  /** It lies in memory only: memfd, System V, or anonymous and shared. */
  sharedKey: boolean;
  /** Resident, each page divided by the number of those who have it. */
  pssBytes: number;
}

const HEAD = /^[0-9a-f]+-[0-9a-f]+ \S+ \S+ ([0-9a-f]+):([0-9a-f]+) (\d+) *(.*)$/;
const SHARED = /^\/(memfd:|SYSV|dev\/zero \(deleted\))/;

function* mappingsOf(pid: number): Generator<Mapping> {
  let mapping: Omit<Mapping, "pssBytes"> | undefined;
  for (const line of (readOf(`/proc/${pid}/smaps`) ?? "").split("\n")) {
    if (line.startsWith("Pss:")) {
      const pssBytes = Number(/\d+/.exec(line)?.[0] ?? 0) * 1024;
      if (mapping !== undefined) yield { ...mapping, pssBytes };
      continue;
    }
    const [, major, minor, inode, name = ""] = HEAD.exec(line) ?? [];
    if (major === undefined || minor === undefined) continue;
    const device = deviceNumber(Number.parseInt(major, 16), Number.parseInt(minor, 16));
    mapping = { device, key: `${device}:${inode}`, sharedKey: SHARED.test(name) };
  }
}

/** As `stat` gives it: the minor number's upper bits stand above the major's. */
const deviceNumber = (major: number, minor: number): number =>
  (minor & 0xff) + major * 0x100 + Math.floor(minor / 0x100) * 0x100000;

/** Sizes of open memfds, by device and inode. */
function namelessFilesOf(pids: readonly number[]): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const path of descriptorsOf(pids, (target) => target.startsWith("/memfd:"))) {
    try {
      const { dev, ino, blocks } = statSync(path);
      sizes.set(`${dev}:${ino}`, blocks * 512);
    } catch {
      // Closed meanwhile.
    }
  }
  return sizes;
}

/** Paths of open descriptors that lead to where `isWanted` says. */
export function* descriptorsOf(
  pids: readonly number[],
  isWanted: (target: string) => boolean,
): Generator<string> {
  let left = MAX_DESCRIPTORS;
  for (const pid of pids) {
    for (const name of namesIn(`/proc/${pid}/fd`)) {
      if (left-- <= 0) return;
      const path = `/proc/${pid}/fd/${name}`;
      try {
        if (isWanted(readlinkSync(path))) yield path;
      } catch {
        // Closed meanwhile.
      }
    }
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
