import { writeSync } from "node:fs";
import type { Clock } from "./clock.ts";
import { GoogleError } from "./status.ts";

/**
 * Node's codes of a write that found no room: the disk, the user's quota, the process's file size
 * limit.
 */
const FULL_CODES = ["ENOSPC", "EDQUOT", "EFBIG"];

/**
 * SQLite's result codes of the same: SQLITE_FULL; SQLITE_IOERR_WRITE, as which it reports a quota
 * and a size limit; SQLITE_IOERR_SHMSIZE, when the shared memory file beside a database cannot
 * grow.
 *
 * @see https://www.sqlite.org/rescode.html
 */
const FULL_SQLITE_CODES = [13, 778, 4874];

/** After how long what found no room is tried again. */
export const DISK_RETRY_MS = 1000;

/**
 * Nothing more can be written. What was to be written is not, what was written before is; the same
 * may succeed as soon as there is space.
 */
// Differs: Google's services do not run out of disk; RESOURCE_EXHAUSTED is what they say of a
// quota.
export class DiskFull extends GoogleError {
  constructor(directory: string | undefined, options?: ErrorOptions) {
    const where = directory === undefined ? "" : `: nothing can be written to ${directory}`;
    const message = `the disk is full${where}; make room there and try again`;
    super("RESOURCE_EXHAUSTED", message, options);
  }
}

/**
 * The refusal that `error`, from Node's files or from SQLite, stands for, if that is a full disk.
 */
export function asDiskFull(error: unknown, directory?: string): DiskFull | undefined {
  if (error instanceof DiskFull) return error;
  // Not `instanceof Error`: it may be the Error of another realm.
  if (typeof error !== "object" || error === null) return undefined;
  const { code = "", errcode = 0 } = error as { code?: unknown; errcode?: unknown };
  const isFull = FULL_CODES.includes(String(code)) || FULL_SQLITE_CODES.includes(Number(errcode));
  return isFull ? new DiskFull(directory, { cause: error }) : undefined;
}

/** Runs `work`, which writes below `directory`; a full disk becomes {@link DiskFull}. */
export function namingFullDisk<T>(directory: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw asDiskFull(error, directory) ?? error;
  }
}

/**
 * Runs `work`, for whose end nobody waits, and returns whether the disk had room for it. That it
 * had not is said on standard error. Anything else is thrown.
 */
export function unlessDiskFull(work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    const full = asDiskFull(error);
    if (full === undefined) throw error;
    complain(full.message);
    return false;
  }
}

/** Says on standard error, once a minute, that a caller was refused for want of room. */
export function tellDiskFull(error: unknown): void {
  if (error instanceof DiskFull) complain(error.message);
}

let lastComplaint = { message: "", atMs: 0 };

/** The same is said once a minute, however often it is met. */
function complain(message: string): void {
  const atMs = performance.now();
  if (message === lastComplaint.message && atMs < lastComplaint.atMs + 60_000) return;
  lastComplaint = { message, atMs };
  try {
    writeSync(process.stderr.fd, `stand-in: ${message}\n`);
  } catch {
    // Standard error may be a file on the same disk.
  }
}

/**
 * Runs `work` every second until the disk has room for it; returns false if `giveUp` aborted
 * before.
 */
export async function whenDiskHasRoom(
  work: () => void,
  { clock, giveUp }: { clock: Clock; giveUp: AbortSignal },
): Promise<boolean> {
  while (!unlessDiskFull(work)) {
    if (giveUp.aborted) return false;
    await new Promise<void>((resolve) => {
      const cancel = clock.setTimeout(resolve, DISK_RETRY_MS);
      const stop = () => {
        cancel();
        resolve();
      };
      giveUp.addEventListener("abort", stop, { once: true });
    });
  }
  return true;
}
