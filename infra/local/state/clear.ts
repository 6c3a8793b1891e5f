import { existsSync, readdirSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { removeTree } from "../../emulators/cloud-build/remove-tree.ts";
import { lockStateDirectory } from "./directory.ts";
import { CLEARING_FILE, FORMAT_FILE, readFormat, refuseUnusable } from "./format.ts";

const LOCK_FILE = "lock.db";

/**
 * Whether there is something to clear at a path.
 *
 * @throws {UnusableState} if what is there is not ours
 */
export function isClearable(path: string): boolean {
  const format = readFormat(path);
  // What a newer version wrote, or what was half cleared, may be cleared all the same.
  if (format.kind === "foreign") refuseUnusable(path, format);
  return format.kind !== "absent";
}

/**
 * Removes a state directory with all that is in it. Works on a full disk. If it is broken off,
 * starts are refused until another clear has finished it. Call only where {@link isClearable}.
 *
 * @throws {StateInUse}
 */
export async function clearState(path: string): Promise<void> {
  const lock = lockStateDirectory(path);
  try {
    const formatFile = join(path, FORMAT_FILE);
    if (existsSync(formatFile)) renameSync(formatFile, join(path, CLEARING_FILE));
    for (const name of readdirSync(path)) {
      if (name !== LOCK_FILE && name !== CLEARING_FILE) await removeTree(join(path, name));
    }
    // Last: as long as this file is there nobody starts, with whatever lock.
    rmSync(join(path, LOCK_FILE), { force: true });
    rmSync(join(path, CLEARING_FILE), { force: true });
    removeDirectory(path);
  } finally {
    lock.release();
  }
}

/** A link or a mount point stays, empty; so does a directory in which somebody has begun anew. */
function removeDirectory(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!["ENOTDIR", "EBUSY", "ENOTEMPTY", "EACCES", "EPERM"].includes(code)) throw error;
  }
}
