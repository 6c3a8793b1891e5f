import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Where a running local server is found; kept in its state directory as `server.json`. */
export interface ServerAddress {
  pid: number;
  /** `http://127.0.0.1:PORT/v1` */
  apiUrl: string;
  projectId: string;
  /** `host:port` of each emulator variable of Google's clients, by its name. */
  clients: Record<string, string>;
}

/**
 * The server that runs on a state directory; undefined while it starts. One that was killed leaves
 * its address behind, and its port to anybody.
 */
export function runningServer(path: string): ServerAddress | undefined {
  return isInUse(path) ? readServerAddress(path) : undefined;
}

/**
 * The server that was last started on a state directory, if it did not stop in order: it may be
 * gone.
 */
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

/** Whether a process has a state directory now; changes nothing. */
export function isInUse(path: string): boolean {
  if (!existsSync(lockFile(path))) return false;
  const lock = new DatabaseSync(lockFile(path), { readOnly: true });
  try {
    lock.prepare("SELECT count(*) FROM sqlite_schema").get();
    return false;
  } catch (error) {
    if (sqliteCode(error) === SQLITE.busy) return true;
    throw error;
  } finally {
    lock.close();
  }
}

/** SQLite's result codes. */
export const SQLITE = { busy: 5, readOnly: 8, cannotOpen: 14 } as const;

export function sqliteCode(error: unknown): number | undefined {
  // Not `instanceof Error`: it may be the Error of another realm.
  const { errcode } = error as { errcode?: number };
  // The low byte; the rest says more precisely why.
  return errcode === undefined ? undefined : errcode & 0xff;
}

/** Who has a state directory has this file's lock, which the operating system gives free. */
export function lockFile(path: string): string {
  return join(path, "lock.db");
}

export function keyFile(path: string): string {
  return join(path, "key");
}

export function serverFile(path: string): string {
  return join(path, "server.json");
}
