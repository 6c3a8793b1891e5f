import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import {
  keyFile,
  lockFile,
  readServerAddress,
  type ServerAddress,
  SQLITE,
  serverFile,
  sqliteCode,
} from "../../../cli/local-server.ts";
import { namingFullDisk } from "../../emulators/wire/disk.ts";
import { bringUpToDate, readFormat, refuseUnusable, UnusableState, writeWhole } from "./format.ts";

/** A state directory that is ours until `release`. */
export interface StateDirectory {
  path: string;
  /**
   * Says where the server is, for who sends runs and for a second start, until it is disposed of.
   */
  publish(address: ServerAddress): Disposable;
  release(): void;
}

/** The directory is in use by another process. */
export class StateInUse extends Error {
  override readonly name = "StateInUse";
  /** Undefined while that process is still starting, or if it is no server. */
  readonly server: ServerAddress | undefined;

  constructor(path: string, options?: ErrorOptions) {
    super(`the state directory ${path} is in use by another process`, options);
    this.server = readServerAddress(path);
  }
}

/** A start is refused that would have less room than this at once. */
const ROOM_BYTES = 1024 * 1024;

/** How long a lock is waited for: `isInUse` takes it for a moment. */
const WAIT_MS = 200;

/**
 * Takes a state directory for this process alone, creating it (0700) if need be and bringing its
 * format up to date. The operating system gives it free when the process ends, however it ends: the
 * lock is SQLite's on a file of its own.
 *
 * @throws {StateInUse}
 * @throws {UnusableState} if it is a file, another kind of directory, too new, or may not be
 * written
 * @throws {DiskFull} if there is less than a megabyte of room
 */
export function takeStateDirectory(path: string): StateDirectory {
  return namingFullDisk(path, () => {
    refuseUnusable(path, readFormat(path));
    createDirectory(path);
    const lock = lockStateDirectory(path);
    try {
      // Of a server that was killed; first of all, since whoever sees the lock believes it.
      rmSync(serverFile(path), { force: true });
      checkRoom(path);
      bringUpToDate(path);
    } catch (error) {
      lock.release();
      throw error;
    }
    return {
      path,
      publish(address) {
        writeWhole(serverFile(path), `${JSON.stringify(address)}\n`, 0o644);
        return { [Symbol.dispose]: () => rmSync(serverFile(path), { force: true }) };
      },
      release: lock.release,
    };
  });
}

/**
 * Takes the lock of a directory that exists, and nothing more.
 *
 * @throws {StateInUse}
 * @throws {UnusableState} if it may not be written
 */
export function lockStateDirectory(path: string): { release(): void } {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(lockFile(path), { timeout: WAIT_MS });
    lock.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (error) {
    lock?.close();
    const code = sqliteCode(error);
    if (code === SQLITE.busy) throw new StateInUse(path, { cause: error });
    if (code === SQLITE.cannotOpen || code === SQLITE.readOnly) throw notWritable(path, error);
    throw error;
  }
  return { release: lock.close.bind(lock) };
}

/** Writes the API key, readable by its user alone, and returns it. */
export function writeKey(path: string, key: string): string {
  writeWhole(keyFile(path), `${key}\n`);
  return key;
}

/** In the state directory: the keys that seal what must be kept secret. */
const SEAL_KEYS_FILE = "seal-keys";

/**
 * The keys that seal, as `RUNYARD_SEAL_KEYS` has them; made the first time, and readable by their
 * user alone. Call only while the directory is taken.
 */
export function sealKeysIn(path: string): string {
  const file = join(path, SEAL_KEYS_FILE);
  if (!existsSync(file)) writeWhole(file, `${randomBytes(32).toString("base64")}\n`);
  return readFileSync(file, "utf8").trim();
}

function createDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    chmodSync(path, 0o700);
  } catch (error) {
    if (
      !["EACCES", "EPERM", "EROFS", "ENOTDIR"].includes(String((error as { code?: string }).code))
    ) {
      throw error;
    }
    throw notWritable(path, error);
  }
}

/** Better refused now, in one line, than by every service in its own words. */
function checkRoom(path: string): void {
  const probe = join(path, "probe.new");
  try {
    writeFileSync(probe, Buffer.alloc(ROOM_BYTES));
  } finally {
    rmSync(probe, { force: true });
  }
}

function notWritable(path: string, cause: unknown): UnusableState {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new UnusableState(
    `the state directory ${path} cannot be written (${reason}). Choose another one with --state DIR.`,
    { cause },
  );
}
