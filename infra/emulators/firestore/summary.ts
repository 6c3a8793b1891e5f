import type { DatabaseSync } from "node:sqlite";
import { openForReading } from "../wire/database.ts";
import { type DocumentRow, fieldsOf, fromRow } from "./document.ts";

/** What a state directory holds of Firestore. */
export interface FirestoreSummary {
  /**
   * Documents by collection; ids on the way to a subcollection are `*`: `runs`, `runs/*\/events`.
   */
  documents: Record<string, number>;
  /** Documents of one collection by the value of a field that holds text; `""`: those without. */
  byField: Record<string, number>;
}

/** Counts what the service keeps in `directory`, running or not. */
export function summarizeFirestore(
  directory: string,
  grouping: { collection: string; field: string },
): FirestoreSummary {
  using database = openForReading(directory, "firestore");
  if (database === undefined) return { documents: {}, byField: {} };
  return {
    documents: countDocuments(database),
    byField: countByField(database, grouping),
  };
}

function countDocuments(database: DatabaseSync): Record<string, number> {
  const rows = database
    .prepare(
      `SELECT path, count(*) AS count FROM documents JOIN paths ON paths.id = collection
       GROUP BY collection`,
    )
    .iterate();
  const counts: Record<string, number> = {};
  for (const { path, count } of rows) {
    const pattern = patternOf(String(path));
    counts[pattern] = (counts[pattern] ?? 0) + Number(count);
  }
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** `projects/p/databases/d/documents/runs/r1/events` → `runs/*\/events` */
function patternOf(path: string): string {
  const below = path.split("/documents/").slice(1).join("/documents/").split("/");
  return below.map((part, index) => (index % 2 === 0 ? part : "*")).join("/");
}

function countByField(
  database: DatabaseSync,
  { collection, field }: { collection: string; field: string },
): Record<string, number> {
  const paths = database.prepare("SELECT * FROM paths WHERE path LIKE '%/documents/' || ?");
  const documents = database.prepare("SELECT * FROM documents WHERE collection = ?");
  const counts: Record<string, number> = {};
  for (const { id, path } of paths.all(collection)) {
    if (patternOf(String(path)) !== collection) continue;
    for (const row of documents.iterate(Number(id))) {
      const value = fieldsOf(fromRow(row as unknown as DocumentRow))[field]?.stringValue ?? "";
      counts[value] = (counts[value] ?? 0) + 1;
    }
  }
  return counts;
}
