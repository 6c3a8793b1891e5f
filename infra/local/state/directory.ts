import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { namingFullDisk } from "../../emulators/wire/disk.ts";
import { bringUpToDate, readFormat, refuseUnusable, UnusableState, writeWhole } from "./format.ts";

/** Where a running server is found; kept in its state directory as `server.json`. */
export interface ServerAddress {
  pid: number;
  /** `http://127.0.0.1:PORT/v1` */
  apiUrl: string;
  projectId: string;
  /** `host:port` of each emulator variable of Google's clients, by its name. */
  clients: Record<string, string>;
}

/** A state directory that is ours until `release`. */
export interface StateDirectory {
  path: string;
  /** Says where the server is, for `send` and for a second start. */
  publish(address: ServerAddress): void;
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

/** SQLite's result codes. */
const BUSY = 5;
const READ_ONLY = 8;
const CANNOT_OPEN = 14;

/** How long a lock is waited for: `isInUse` takes it for a moment. */
const WAIT_MS = 200;

/**
 * Takes a state directory for this process alone, creating it (0700) if need be and bringing its format up
 * to date. The operating system gives it free when the process ends, however it ends: the lock is SQLite's
 * on a file of its own.
 *
 * @throws {StateInUse}
 * @throws {UnusableState} if it is a file, another kind of directory, too new, or may not be written
 * @throws {DiskFull} if there is less than a megabyte of room
 */
export function takeStateDirectory(path: string): StateDirectory {
  return namingFullDisk(path, () => {
    refuseUnusable(path, readFormat(path));
    createDirectory(path);
    const lock = lockStateDirectory(path);
    try {
      checkRoom(path);
      bringUpToDate(path);
      // Of a server that was killed.
      rmSync(serverFile(path), { force: true });
    } catch (error) {
      lock.release();
      throw error;
    }
    return {
      path,
      publish: (address) => writeWhole(serverFile(path), `${JSON.stringify(address)}\n`, 0o644),
      release() {
        rmSync(serverFile(path), { force: true });
        lock.release();
      },
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
    if (code === BUSY) throw new StateInUse(path, { cause: error });
    if (code === CANNOT_OPEN || code === READ_ONLY) throw notWritable(path, error);
    throw error;
  }
  return { release: lock.close.bind(lock) };
}

/** Whether a process has the directory now; changes nothing. */
export function isInUse(path: string): boolean {
  if (!existsSync(lockFile(path))) return false;
  const lock = new DatabaseSync(lockFile(path), { readOnly: true });
  try {
    lock.prepare("SELECT count(*) FROM sqlite_schema").get();
    return false;
  } catch (error) {
    if (sqliteCode(error) === BUSY) return true;
    throw error;
  } finally {
    lock.close();
  }
}

/** The server that was last started on a state directory, if it did not stop in order. */
export function readServerAddress(path: string): ServerAddress | undefined {
  try {
    return JSON.parse(readFileSync(serverFile(path), "utf8")) as ServerAddress;
  } catch {
    return undefined;
  }
}

/** The API key of a state directory; undefined before the first start. */
export function readKey(path: string): string | undefined {
  try {
    return readFileSync(keyFile(path), "utf8").trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Writes the API key, readable by its user alone, and returns it. */
export function writeKey(path: string, key: string): string {
  writeWhole(keyFile(path), `${key}\n`);
  return key;
}

export function keyFile(path: string): string {
  return join(path, "key");
}

function lockFile(path: string): string {
  return join(path, "lock.db");
}

function serverFile(path: string): string {
  return join(path, "server.json");
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

function sqliteCode(error: unknown): number | undefined {
  // Not `instanceof Error`: it may be the Error of another realm.
  const { errcode } = error as { errcode?: number };
  // The low byte; the rest says more precisely why.
  return errcode === undefined ? undefined : errcode & 0xff;
}
