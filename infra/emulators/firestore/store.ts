import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { inTransaction, openDatabase, prepared } from "../wire/database.ts";
import { type DocumentRow, fromRow, type StoredDocument } from "./document.ts";
import type { DocumentName } from "./document-name.ts";
import type { IndexCatalog } from "./index-catalog.ts";
import { entriesOf, type IndexEntry } from "./index-entries.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS documents (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    key TEXT NOT NULL UNIQUE,
    collection INTEGER NOT NULL,
    collection_group INTEGER NOT NULL,
    fields BLOB NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
  );
  CREATE INDEX IF NOT EXISTS documents_by_collection ON documents (collection, key);
  CREATE INDEX IF NOT EXISTS documents_by_group ON documents (collection_group, key);
  CREATE TABLE IF NOT EXISTS paths (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
  CREATE TABLE IF NOT EXISTS index_entries (
    collection INTEGER NOT NULL,
    field INTEGER NOT NULL,
    key BLOB NOT NULL,
    document INTEGER NOT NULL,
    PRIMARY KEY (collection, field, key)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value ANY) WITHOUT ROWID;
`;

const MAX_CACHED_PATHS = 50_000;
const REBUILD_CHUNK = 1000;

/**
 * The documents on disk and their indexes.
 *
 * `paths` gives collections, collection groups (`ROOT/**\/ID`) and indexes their numbers; a
 * document's entries are written in the same transaction as the document.
 */
export interface Store {
  database: DatabaseSync;
  catalog: IndexCatalog;
  pathIds: Map<string, number>;
}

/**
 * Opens the store in `directory`; writes all index entries anew when the catalog is another one.
 */
export function openStore(directory: string, catalog: IndexCatalog): Store {
  const database = openDatabase(directory, "firestore", SCHEMA);
  const store: Store = { database, catalog, pathIds: new Map() };
  const fingerprint = readSetting(store, "indexes");
  if (fingerprint !== catalog.fingerprint) inTransaction(database, () => rebuildIndexes(store));
  return store;
}

function rebuildIndexes(store: Store): void {
  run(store, "DELETE FROM index_entries", []);
  let last = 0;
  while (true) {
    const sql = `SELECT * FROM documents WHERE id > ? ORDER BY id LIMIT ${REBUILD_CHUNK}`;
    const rows = all<DocumentRow>(store, sql, [last]);
    for (const row of rows) {
      const document = fromRow(row);
      for (const entry of entriesOf(document, store.catalog)) {
        insertEntry(store, place(store, document.name, entry), row.id);
      }
    }
    if (rows.length < REBUILD_CHUNK) break;
    last = (rows.at(-1) as DocumentRow).id;
  }
  writeSetting(store, "indexes", store.catalog.fingerprint);
}

/** The rows of a query; its statement is prepared once. */
export function all<Row>(store: Store, sql: string, parameters: SQLInputValue[]): Row[] {
  return prepared(store.database, sql).all(...parameters) as Row[];
}

/** The first row of a query. */
export function first<Row>(
  store: Store,
  sql: string,
  parameters: SQLInputValue[],
): Row | undefined {
  return prepared(store.database, sql).get(...parameters) as Row | undefined;
}

function run(store: Store, sql: string, parameters: SQLInputValue[]): number {
  return Number(prepared(store.database, sql).run(...parameters).lastInsertRowid);
}

export function readSetting(store: Store, name: string): string | number | undefined {
  const sql = "SELECT value FROM settings WHERE name = ?";
  return first<{ value: string | number }>(store, sql, [name])?.value;
}

export function writeSetting(store: Store, name: string, value: string | number): void {
  run(store, "INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", [name, value]);
}

/** The document with this key, as it is now. */
export function readDocument(store: Store, key: string): StoredDocument | undefined {
  const row = first<DocumentRow>(store, "SELECT * FROM documents WHERE key = ?", [key]);
  return row && fromRow(row);
}

/**
 * Replaces `before`, which must be what is stored, by `after`, with their index entries. Call only
 * within a transaction of the database; after a rollback call {@link forgetCaches}.
 */
export function replaceDocument(
  store: Store,
  before: StoredDocument | undefined,
  after: StoredDocument | undefined,
): void {
  const name = (after ?? before)?.name;
  if (!name) return;
  // Before anything is written: too many entries are a refusal.
  const old = before ? placedEntries(store, before) : new Map<string, PlacedEntry>();
  const fresh = after ? placedEntries(store, after) : new Map<string, PlacedEntry>();
  const id = writeRow(store, before, after);
  for (const [text, entry] of old) if (!fresh.has(text)) deleteEntry(store, entry);
  for (const [text, entry] of fresh) if (!old.has(text)) insertEntry(store, entry, id);
}

function writeRow(
  store: Store,
  before: StoredDocument | undefined,
  after: StoredDocument | undefined,
): number {
  if (!after) {
    run(store, "DELETE FROM documents WHERE key = ?", [(before as StoredDocument).key]);
    return 0;
  }
  const { name, key, encoded, createdAt, updatedAt } = after;
  if (before) {
    const sql = "UPDATE documents SET fields = ?, updated = ? WHERE key = ? RETURNING id";
    return (first<{ id: number }>(store, sql, [encoded, updatedAt, key]) as { id: number }).id;
  }
  const sql =
    "INSERT INTO documents (name, key, collection, collection_group, fields, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?)";
  const collection = pathId(store, name.collection);
  const group = pathId(store, groupPath(name.root, name.collectionId));
  return run(store, sql, [name.name, key, collection, group, encoded, createdAt, updatedAt]);
}

/** An entry with the numbers of its collection or group, and of its index. */
interface PlacedEntry {
  collection: number;
  field: number;
  key: Buffer;
}

function placedEntries(store: Store, document: StoredDocument): Map<string, PlacedEntry> {
  const placed = new Map<string, PlacedEntry>();
  for (const entry of entriesOf(document, store.catalog)) {
    const there = place(store, document.name, entry);
    placed.set(`${there.collection}/${there.field}/${there.key.toString("latin1")}`, there);
  }
  return placed;
}

function place(store: Store, name: DocumentName, entry: IndexEntry): PlacedEntry {
  const path =
    entry.scope === "COLLECTION" ? name.collection : groupPath(name.root, name.collectionId);
  return { collection: pathId(store, path), field: pathId(store, entry.index), key: entry.key };
}

function insertEntry(store: Store, entry: PlacedEntry, document: number): void {
  const sql =
    "INSERT OR REPLACE INTO index_entries (collection, field, key, document) VALUES (?, ?, ?, ?)";
  run(store, sql, [entry.collection, entry.field, entry.key, document]);
}

function deleteEntry(store: Store, entry: PlacedEntry): void {
  const sql = "DELETE FROM index_entries WHERE collection = ? AND field = ? AND key = ?";
  run(store, sql, [entry.collection, entry.field, entry.key]);
}

/** The name under which a collection group is kept among the paths; no collection can have it. */
export function groupPath(root: string, collectionId: string): string {
  return `${root}/**/${collectionId}`;
}

/** The number of a path; undefined if nothing was ever stored under it. */
export function knownPathId(store: Store, path: string): number | undefined {
  const cached = store.pathIds.get(path);
  if (cached !== undefined) return cached;
  const row = first<{ id: number }>(store, "SELECT id FROM paths WHERE path = ?", [path]);
  if (!row) return undefined;
  if (store.pathIds.size >= MAX_CACHED_PATHS) store.pathIds.clear();
  store.pathIds.set(path, row.id);
  return row.id;
}

function pathId(store: Store, path: string): number {
  const known = knownPathId(store, path);
  if (known !== undefined) return known;
  const id = run(store, "INSERT INTO paths (path) VALUES (?)", [path]);
  store.pathIds.set(path, id);
  return id;
}

/** Forgets numbers that a rollback has taken back. */
export function forgetCaches(store: Store): void {
  store.pathIds.clear();
}
