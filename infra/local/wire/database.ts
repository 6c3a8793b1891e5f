import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/**
 * Opens a service's own SQLite file, creating it with `schema` when it is new.
 *
 * A commit is on disk as far as the operating system goes: it survives `kill -9` of every process of
 * ours. (`synchronous = NORMAL` in WAL mode; a power cut may lose the last commits, never corrupt.)
 *
 * `schema` is made of `CREATE … IF NOT EXISTS` statements.
 */
export function openDatabase(directory: string, name: string, schema: string): DatabaseSync {
  mkdirSync(directory, { recursive: true });
  const database = new DatabaseSync(join(directory, `${name}.db`));
  database.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000",
  );
  database.exec(schema);
  return database;
}

/** Runs `work` in one SQLite transaction: all of it is kept, or, if it throws, none. */
export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}
