import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

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
  /** Undefined while that process is still starting. */
  readonly server: ServerAddress | undefined;

  constructor(path: string, server: ServerAddress | undefined) {
    super(`the state directory ${path} is in use by another process`);
    this.server = server;
  }
}

/**
 * Takes a state directory for this process alone, creating it (0700) if need be. The operating system
 * gives it free when the process ends, however it ends: the lock is SQLite's on a file of its own.
 *
 * @throws {StateInUse}
 */
export function takeStateDirectory(path: string): StateDirectory {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700);
  const lock = new DatabaseSync(join(path, "lock.db"));
  if (!isTaken(lock)) {
    lock.close();
    throw new StateInUse(path, readServerAddress(path));
  }
  return {
    path,
    publish: (address) => writeFileSync(serverFile(path), `${JSON.stringify(address)}\n`),
    release() {
      writeFileSync(serverFile(path), "");
      lock.close();
    },
  };
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
    return readFileSync(keyFile(path), "utf8").trim();
  } catch {
    return undefined;
  }
}

/** Writes the API key, readable by its user alone, and returns it. */
export function writeKey(path: string, key: string): string {
  writeFileSync(keyFile(path), `${key}\n`, { mode: 0o600, flag: "wx" });
  return key;
}

export function keyFile(path: string): string {
  return join(path, "key");
}

function serverFile(path: string): string {
  return join(path, "server.json");
}

/** Takes SQLite's lock on the file; false: another process has it (SQLITE_BUSY). */
function isTaken(lock: DatabaseSync): boolean {
  try {
    lock.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    return true;
  } catch (error) {
    if (error instanceof Error && "errcode" in error && error.errcode === 5) return false;
    throw error;
  }
}
