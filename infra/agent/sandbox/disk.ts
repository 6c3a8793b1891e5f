import { execFile } from "node:child_process";
import { statSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { promisify } from "node:util";
import { descriptorsOf, filesInMemory } from "./memory.ts";

/** What an agent has written, as far as it is known. */
export interface DiskMeter {
  /** Bytes in its folders, in its `/tmp`, and in files that it deleted and keeps open. */
  usedBytes(): number;
  /** Looks once more when the agent has ended, closely, and says what it saw. */
  look(): Promise<number>;
  close(): void;
}

interface MeterOptions {
  folders: readonly string[];
  limitBytes: number;
  /** The sandbox's processes, and the one of them that sees its `/tmp`. */
  processes(): { pids: number[]; init: number | undefined };
}

const LOOK_EVERY_MS = 1_000;
/** Counting takes at most this share of the time. */
const SHARE = 0.1;
/** Without a sign that there is much, it is counted this often. */
const COUNT_EVERY_MS = 60_000;
const COUNT_TIMEOUT_MS = 60_000;
/** Of the room that there was at the start, this much is left to the machine. */
const LEFT_FREE = 0.03;
const LEFT_FREE_BYTES = 256 * 1024 ** 2;

/**
 * Measures what an agent writes. Counting files costs time, so that is done only when the file
 * system has lost so much room that the agent may be over its limit, or when it was not done for a
 * minute. An agent that leaves the machine without room counts as over the limit, however it holds
 * what it took.
 */
export function startDiskMeter({ folders, limitBytes, processes }: MeterOptions): DiskMeter {
  let known = 0;
  let takenThen: number | undefined;
  let freeThen = 0;
  let waitUntil = 0;
  let countedAt = 0;
  let looking: Promise<number> | undefined;
  let init: number | undefined;

  const lookOnce = async (isLast: boolean): Promise<number> => {
    const { taken, free } = await roomOf(folders);
    if (takenThen === undefined) {
      [takenThen, freeThen] = [taken, free];
      countedAt = Date.now();
      return 0;
    }
    init ??= processes().init;
    if (free < Math.min(LEFT_FREE_BYTES, freeThen * LEFT_FREE)) return Number.POSITIVE_INFINITY;
    const inMemory = init === undefined ? 0 : sum(filesInMemory(init, ["/tmp"]), "usedBytes");
    // What others free hides what the agent takes, unless it is counted from there.
    takenThen = Math.min(takenThen, taken);
    const grown = taken - takenThen;
    const guess = known + grown + inMemory;
    const isSuspect = guess > limitBytes;
    const isDue = Date.now() - countedAt > COUNT_EVERY_MS;
    const isDoubtful = isLast && guess > limitBytes / 2;
    const mayWait = !isLast && Date.now() < waitUntil;
    if (mayWait || !(isSuspect || isDue || isDoubtful)) return known + inMemory;
    const startedAt = Date.now();
    known = (await countIn(folders)) ?? known + grown;
    known += deletedBytes(processes().pids, folders);
    takenThen = taken;
    countedAt = Date.now();
    waitUntil = countedAt + (countedAt - startedAt) / SHARE;
    return known + inMemory;
  };
  let last = 0;
  const look = (isLast = false): Promise<number> => {
    looking ??= lookOnce(isLast)
      .catch(() => last)
      .then((bytes) => {
        last = bytes;
        return bytes;
      })
      .finally(() => {
        looking = undefined;
      });
    return looking;
  };
  void look();
  const timer = setInterval(() => void look(), LOOK_EVERY_MS).unref();
  return {
    usedBytes: () => last,
    async look() {
      await looking;
      return look(true);
    },
    close: () => clearInterval(timer),
  };
}

const sum = <K extends string>(items: readonly Record<K, number>[], key: K): number =>
  items.reduce((total, item) => total + item[key], 0);

/** What is taken and what is free of the file system in which the folders lie, in bytes. */
async function roomOf([folder = "/"]: readonly string[]): Promise<{ taken: number; free: number }> {
  const { bsize, blocks, bfree, bavail } = await statfs(folder);
  return { taken: bsize * (blocks - bfree), free: bsize * bavail };
}

const run = promisify(execFile);

/**
 * Bytes of the folders; undefined if they cannot be counted in time. Any depth, and without modes.
 */
async function countIn(folders: readonly string[]): Promise<number | undefined> {
  const du = ["du", "--summarize", "--total", "--block-size=1", "--one-file-system", "--"];
  // What an agent has closed to its own user is open to that user's root in a namespace.
  const asRoot = process.getuid?.() === 0 ? [] : ["unshare", "--map-root-user", "--"];
  const [file = "", ...args] = [...asRoot, ...du, ...folders];
  const options = { timeout: COUNT_TIMEOUT_MS, killSignal: "SIGKILL" } as const;
  const said = await run(file, args, options).then(
    ({ stdout }) => stdout,
    // Files that vanish while it counts make it fail at its end.
    (error: { killed?: boolean; stdout?: string }) => (error.killed ? "" : (error.stdout ?? "")),
  );
  const total = /^(\d+)\ttotal$/m.exec(said)?.[1];
  return total === undefined ? undefined : Number(total);
}

/** Bytes of files that have no name any more, on the folders' file system. */
function deletedBytes(pids: readonly number[], [folder = "/"]: readonly string[]): number {
  const device = statSync(folder).dev;
  const sizes = new Map<number, number>();
  for (const path of descriptorsOf(pids, (target) => target.endsWith(" (deleted)"))) {
    try {
      const { dev, ino, blocks, nlink } = statSync(path);
      if (dev === device && nlink === 0) sizes.set(ino, blocks * 512);
    } catch {
      // Closed meanwhile.
    }
  }
  return [...sizes.values()].reduce((total, bytes) => total + bytes, 0);
}
