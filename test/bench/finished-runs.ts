import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { Firestore } from "@google-cloud/firestore";
import { startFirestore } from "../../infra/emulators/firestore/start.ts";
import { acceptRun } from "../../shared/run/accept.ts";
import type { RunRecord } from "../../shared/run/record.ts";
import { makeOrder, makeRunsInEveryPhase } from "../support/make-run.ts";
import { PROJECT } from "./services.ts";

const TEMPLATE = `run_${"0".repeat(22)}`;
/** The documents that a sweep looks at. */
const COLLECTIONS = ["runs", "runState"] as const;
/**
 * The fields of whose indexes a line for each run is written; Firestore would write some thirty.
 */
export const INDEXED = ["dueAt", "status", "owner", "done"];

/**
 * Leaves `count` runs that are over in the Firestore of `directory`, which nobody may have open:
 * one is written through the official client, the others are that one's rows under other names,
 * with their lines in those indexes alone that {@link INDEXED} names. A million takes some twenty
 * seconds that way.
 */
export async function fillWithFinishedRuns(directory: string, count: number): Promise<void> {
  const folder = join(directory, "firestore");
  const indexesFile = fileURLToPath(new URL("../../firestore.indexes.json", import.meta.url));
  const server = await startFirestore({ directory: folder, indexesFile });
  try {
    await writeTemplate(server.address);
  } finally {
    await server.close();
  }
  cloneTemplate(join(folder, "firestore.db"), count);
}

async function writeTemplate(host: string): Promise<void> {
  const firestore = new Firestore({ projectId: PROJECT, host, ssl: false });
  await writeRun(firestore, makeRunsInEveryPhase().succeeded);
  await firestore.terminate();
}

/** The three documents of a run, as the API writes them. */
export async function writeRun(firestore: Firestore, { run, state }: RunRecord): Promise<void> {
  const { request } = acceptRun(makeOrder(), acceptanceOf({ run, state }));
  const { prompt, ...rest } = request;
  await firestore
    .batch()
    .set(firestore.doc(`runs/${run.id}`), run)
    .set(firestore.doc(`runState/${run.id}`), state)
    .set(firestore.doc(`runRequests/${run.id}`), {
      owner: run.owner,
      prompt,
      json: JSON.stringify(rest),
    })
    .commit();
}

function acceptanceOf({ run, state }: RunRecord) {
  const { id, owner, createdAt: now } = run;
  const { nonce, sessionId, requestHash, writer } = state;
  return { id, owner, nonce, sessionId, requestHash, writer, now };
}

/** Names of the clones: as long as the template's, in ascending order. */
const CLONE = "'run_' || printf('%022d', value)";

function cloneTemplate(file: string, count: number): void {
  const database = new DatabaseSync(file);
  // A crash may lose what is thrown away anyway; nothing needs to be written twice.
  database.exec(
    "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000",
  );
  database.exec("BEGIN");
  database.exec("CREATE TEMP TABLE numbers (value INTEGER PRIMARY KEY)");
  database.exec(`
    INSERT INTO numbers WITH RECURSIVE n (value) AS
      (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < ${count}) SELECT value FROM n`);
  for (const [at, collection] of COLLECTIONS.entries()) {
    const like = `%/${collection}/${TEMPLATE}`;
    const { id } = database.prepare("SELECT id FROM documents WHERE name LIKE ?").get(like) as {
      id: number;
    };
    // Ids of their own for each collection, far from those that the service gives.
    const first = (at + 1) * 1_000_000_000;
    cloneDocument(database, id, first);
    cloneEntries(database, id, first);
  }
  database.exec("COMMIT");
  database.close();
}

function cloneDocument(database: DatabaseSync, id: number, first: number): void {
  const replaced = (column: string) => `replace(${column}, '${TEMPLATE}', ${CLONE})`;
  database.exec(`
    INSERT INTO documents (id, name, key, collection, collection_group, fields, created, updated)
    SELECT ${first} + value, ${replaced("name")}, ${replaced("key")}, collection, collection_group,
      fields, created, updated
    FROM numbers, documents WHERE documents.id = ${id} ORDER BY value`);
}

/** Each line once more for each clone; the name stands at the end of its key. */
function cloneEntries(database: DatabaseSync, id: number, first: number): void {
  const paths = INDEXED.map((field) => `'COLLECTION ${field} ASCENDING'`).join();
  const entries = database
    .prepare(
      `SELECT collection, field, key FROM index_entries WHERE document = ? AND field IN
        (SELECT id FROM paths WHERE path IN (${paths}))`,
    )
    .all(id) as { collection: number; field: number; key: Uint8Array }[];
  const insert = database.prepare(`
    INSERT INTO index_entries (collection, field, key, document)
    SELECT ?, ?, CAST(? || ${CLONE} || ? AS BLOB), ${first} + value FROM numbers ORDER BY value`);
  for (const { collection, field, key } of entries) {
    const bytes = Buffer.from(key);
    const at = bytes.lastIndexOf(TEMPLATE);
    if (at < 0) throw new Error("an index entry without its document's name");
    const before = bytes.subarray(0, at);
    const behind = bytes.subarray(at + TEMPLATE.length);
    insert.run(collection, field, before, behind);
  }
}
