import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../wire/clock.ts";
import { inTransaction, openDatabase, prepared } from "../wire/database.ts";
import type { Checksums } from "./digest.ts";
import { StorageError } from "./errors.ts";
import { checkForWrite, type Preconditions } from "./preconditions.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS buckets (
    name TEXT PRIMARY KEY, metageneration INTEGER NOT NULL, fields TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT NOT NULL, name TEXT NOT NULL, generation INTEGER NOT NULL,
    metageneration INTEGER NOT NULL, content TEXT NOT NULL, sizeBytes INTEGER NOT NULL,
    fields TEXT NOT NULL, PRIMARY KEY (bucket, name)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS objectsByContent ON objects (content);
  CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY, state TEXT NOT NULL, content TEXT NOT NULL, request TEXT NOT NULL,
    outcome TEXT, createdAtMs INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS uploadsByContent ON uploads (content);
  CREATE TABLE IF NOT EXISTS lastGeneration (value INTEGER NOT NULL) STRICT;
`;

/** A session lives a week; that it has expired is known for another. */
const FORGET_UPLOADS_AFTER_MS = 14 * 24 * 3600 * 1000;

/**
 * All that the service remembers. Metadata is in the database; contents are files of random names.
 * A file means something only once a committed row names it, so nothing half-written is ever
 * visible, and what no row names is swept at the next start.
 */
export interface State {
  database: DatabaseSync;
  contentDirectory: string;
  clock: Clock;
  /** PEM public keys by service account; undefined: signatures are taken as they come. */
  signingKeys: Record<string, string> | undefined;
  /** Is told of each object that has new content. */
  onFinalized?: (object: StoredObject) => void;
  /** For each resumable session that a request is writing to: how to make that request give way. */
  activeUploads: Map<string, { interrupt(): void; ended: Promise<void> }>;
}

/** What a client may set on an object. */
export interface WritableFields {
  contentType?: string;
  contentEncoding?: string;
  contentDisposition?: string;
  contentLanguage?: string;
  cacheControl?: string;
  customTime?: string;
  storageClass?: string;
  metadata?: Record<string, string>;
}

/**
 * An object's stored metadata, in the words of the JSON API. Composite objects have no `md5Hash`.
 */
export interface ObjectFields extends WritableFields {
  crc32c: string;
  md5Hash?: string;
  componentCount?: number;
  timeCreated: string;
  updated: string;
}

/** A live object. `content` is the name of its file in the content directory. */
export interface StoredObject {
  bucket: string;
  name: string;
  generation: number;
  metageneration: number;
  content: string;
  sizeBytes: number;
  fields: ObjectFields;
}

/** An object about to become the live one of its name. */
export interface NewObject {
  bucket: string;
  name: string;
  content: string;
  sizeBytes: number;
  fields: WritableFields & Pick<Checksums, "crc32c"> & Partial<ObjectFields>;
  /** The resumable session that is done when the object is committed. */
  uploadId?: string;
  /** The object of the same bucket that is gone when this one is committed. */
  movedFrom?: string;
}

/** Opens the state in `directory`, and sweeps what a killed process left behind. */
export function openState(
  directory: string,
  clock: Clock,
  signingKeys?: Record<string, string>,
): State {
  const database = openDatabase(directory, "storage", SCHEMA);
  const contentDirectory = join(directory, "content");
  mkdirSync(contentDirectory, { recursive: true });
  const state: State = { database, contentDirectory, clock, signingKeys, activeUploads: new Map() };
  const forgetBeforeMs = clock.now() - FORGET_UPLOADS_AFTER_MS;
  database.prepare("DELETE FROM uploads WHERE createdAtMs < ?").run(forgetBeforeMs);
  for (const content of readdirSync(contentDirectory)) removeUnreferenced(state, content);
  return state;
}

/** A name for a content file that no other has. */
export function newContentName(): string {
  return randomUUID();
}

/** Where a content file is. */
export function contentPath(state: State, content: string): string {
  return join(state.contentDirectory, content);
}

/** Deletes a content file unless an object or an open upload still needs it. */
export function removeUnreferenced(state: State, content: string): void {
  const user = prepared(
    state.database,
    `SELECT 1 FROM objects WHERE content = :content
     UNION ALL SELECT 1 FROM uploads WHERE content = :content AND state = 'open'`,
  ).get({ content });
  const path = contentPath(state, content);
  if (user === undefined && existsSync(path)) rmSync(path);
}

/** The instant `clock` shows, as the JSON API writes it. */
export function timestamp(state: State): string {
  return new Date(state.clock.now()).toISOString();
}

/** @throws {StorageError} noSuchBucket */
export function requireBucket(state: State, bucket: string): void {
  if (prepared(state.database, "SELECT 1 FROM buckets WHERE name = ?").get(bucket) === undefined) {
    throw new StorageError("noSuchBucket", "The specified bucket does not exist.");
  }
}

/** The live object of that name, if there is one. */
export function findObject(state: State, bucket: string, name: string): StoredObject | undefined {
  const row = prepared(state.database, "SELECT * FROM objects WHERE bucket = ? AND name = ?").get(
    bucket,
    name,
  );
  return row === undefined ? undefined : toStoredObject(row);
}

/** The object that a row of the table `objects` holds. */
export function toStoredObject(row: object): StoredObject {
  const stored = row as Omit<StoredObject, "fields"> & { fields: string };
  return { ...stored, fields: JSON.parse(stored.fields) };
}

/**
 * Makes `draft` the live object of its name, with a generation above every earlier one, if the
 * preconditions hold of the object that is live now. Its content file must be complete.
 *
 * @throws {StorageError} noSuchBucket, conditionNotMet; then nothing has changed
 */
export function commitObject(
  state: State,
  draft: NewObject,
  preconditions: Preconditions,
): StoredObject {
  let superseded: StoredObject | undefined;
  const now = timestamp(state);
  const stored = inTransaction(state.database, () => {
    requireBucket(state, draft.bucket);
    superseded = findObject(state, draft.bucket, draft.name);
    checkForWrite(preconditions, superseded);
    const { uploadId, movedFrom, ...named } = draft;
    const fields = { storageClass: "STANDARD", ...draft.fields, timeCreated: now, updated: now };
    const object = { ...named, fields, generation: nextGeneration(state), metageneration: 1 };
    saveObject(state, object);
    if (uploadId !== undefined) finishUpload(state, uploadId, object);
    if (movedFrom !== undefined) removeObject(state, draft.bucket, movedFrom);
    return object;
  });
  if (superseded !== undefined) removeUnreferenced(state, superseded.content);
  state.onFinalized?.(stored);
  return stored;
}

/** Writes an object's row. Call only inside a transaction. */
export function saveObject(state: State, object: StoredObject): void {
  prepared(
    state.database,
    `INSERT OR REPLACE INTO objects
     (bucket, name, generation, metageneration, content, sizeBytes, fields)
     VALUES (:bucket, :name, :generation, :metageneration, :content, :sizeBytes, :fields)`,
  ).run({ ...object, fields: JSON.stringify(object.fields) });
}

/** Deletes an object's row. Call only inside a transaction. */
export function removeObject(state: State, bucket: string, name: string): void {
  prepared(state.database, "DELETE FROM objects WHERE bucket = ? AND name = ?").run(bucket, name);
}

function finishUpload(state: State, uploadId: string, object: StoredObject): void {
  prepared(state.database, "UPDATE uploads SET state = 'done', outcome = ? WHERE id = ?").run(
    JSON.stringify(object),
    uploadId,
  );
}

/** Microseconds since the epoch, or one more than the last: what Google's look like. */
function nextGeneration(state: State): number {
  const row = prepared(state.database, "SELECT value FROM lastGeneration").get();
  const last = Number(row?.["value"] ?? 0);
  const next = Math.max(last + 1, Math.floor(state.clock.now() * 1000));
  prepared(state.database, "DELETE FROM lastGeneration").run();
  prepared(state.database, "INSERT INTO lastGeneration VALUES (?)").run(next);
  return next;
}
