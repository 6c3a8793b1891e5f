import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { namingFullDisk } from "./disk.ts";

/**
 * Opens a service's own SQLite file, creating it with `schema` when it is new.
 *
 * A commit is on disk as far as the operating system goes: it survives `kill -9` of every process
 * of ours. (`synchronous = NORMAL` in WAL mode; a power cut may lose the last commits, never
 * corrupt.)
 *
 * `schema` is made of `CREATE … IF NOT EXISTS` statements.
 *
 * @throws {DiskFull}
 */
export function openDatabase(directory: string, name: string, schema: string): DatabaseSync {
  return namingFullDisk(directory, () => {
    mkdirSync(directory, { recursive: true });
    const database = new DatabaseSync(join(directory, `${name}.db`));
    try {
      database.exec(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000",
      );
      // What is deleted shall not be found in the file.
      database.exec("PRAGMA secure_delete = ON");
      database.exec(schema);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/**
 * Opens a service's SQLite file to look at it, whether or not a service has it open, and changes
 * nothing: neither the file nor those beside it. Undefined if there is none.
 */
export function openForReading(directory: string, name: string): DatabaseSync | undefined {
  const path = join(directory, `${name}.db`);
  if (!existsSync(path)) return undefined;
  // Without a log beside it nobody has it open: SQLite needs to create none if it knows that.
  const place = pathToFileURL(path);
  if (!existsSync(`${path}-wal`)) place.searchParams.set("immutable", "1");
  const database = new DatabaseSync(place, { readOnly: true });
  database.exec("PRAGMA busy_timeout = 5000");
  return database;
}

const statements = new WeakMap<DatabaseSync, Map<string, StatementSync>>();

/**
 * The statement of that text, prepared once for each database: that takes longer than most of them
 * run. Not for one that is stepped through while others run.
 */
export function prepared(database: DatabaseSync, sql: string): StatementSync {
  const known = statements.get(database) ?? new Map<string, StatementSync>();
  statements.set(database, known);
  const statement = known.get(sql) ?? database.prepare(sql);
  known.set(sql, statement);
  return statement;
}

/**
 * Runs `work` in one SQLite transaction: all of it is kept, or, if it throws, none. @throws
 * {DiskFull}
 */
export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  return writing(database, () => {
    prepared(database, "BEGIN IMMEDIATE").run();
    try {
      const result = work();
      prepared(database, "COMMIT").run();
      return result;
    } catch (error) {
      // SQLite has rolled back by itself after some errors, a full disk among them.
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
  });
}

/** Runs `work`, which writes by statements of its own; a full disk becomes {@link DiskFull}. */
export function writing<T>(database: DatabaseSync, work: () => T): T {
  return namingFullDisk(dirname(database.location() ?? ""), work);
}
