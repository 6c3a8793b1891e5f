import { type DocumentRow, fromRow, type StoredDocument } from "./document.ts";
import { compareByQuery, matches, type Query } from "./query.ts";
import { planScan, type Scan } from "./query-plan.ts";
import { all, first, type Store } from "./store.ts";

/** What a query gives. */
export interface QueryResult {
  documents: StoredDocument[];
  /** How many the offset passed over. */
  skipped: number;
}

/** Documents that are to be taken as they were at an earlier instant; undefined: did not exist. */
export type Overlay = ReadonlyMap<string, StoredDocument | undefined>;

const FIRST_CHUNK = 64;
const CHUNK = 512;
const NO_OVERLAY: Overlay = new Map();

/** Runs a query on what is stored, as far as `overlay` does not say otherwise. */
export function runQuery(store: Store, query: Query, overlay: Overlay = NO_OVERLAY): QueryResult {
  const last = query.limit === undefined ? Number.POSITIVE_INFINITY : query.offset + query.limit;
  const result: QueryResult = { documents: [], skipped: 0 };
  if (last === query.offset) return result;
  let seen = 0;
  for (const document of matchingDocuments(store, query, overlay)) {
    seen++;
    if (seen <= query.offset) result.skipped++;
    else result.documents.push(document);
    if (seen >= last) break;
  }
  return result;
}

/** The documents of a query in its order, without regard to offset and limit. */
function* matchingDocuments(
  store: Store,
  query: Query,
  overlay: Overlay = NO_OVERLAY,
): Generator<StoredDocument> {
  const sources = query.disjuncts.map((disjunct) => {
    const scan = planScan(store, query, disjunct);
    const documents = scanned(store, query, { scan, overlay });
    return scan.isOrdered ? documents : sorted(query, documents);
  });
  const earlier = [...overlay.values()].filter((document) => document !== undefined);
  if (earlier.length > 0) {
    sources.push(
      sorted(
        query,
        earlier.filter((document) => matches(query, document)),
      ),
    );
  }
  yield* sources.length === 1 ? (sources[0] as Iterable<StoredDocument>) : merged(query, sources);
}

function* sorted(query: Query, documents: Iterable<StoredDocument>): Generator<StoredDocument> {
  yield* [...documents].sort((left, right) => compareByQuery(query, left, right));
}

/** All sources, each of them in order, as one in order, every document once. */
function* merged(query: Query, sources: Generator<StoredDocument>[]): Generator<StoredDocument> {
  const heads = sources.map((source) => ({ source, next: source.next() }));
  let last: string | undefined;
  while (true) {
    let least: (typeof heads)[number] | undefined;
    for (const head of heads) {
      if (head.next.done) continue;
      if (!least || compareByQuery(query, head.next.value, least.next.value) < 0) least = head;
    }
    if (!least) return;
    const document = least.next.value as StoredDocument;
    least.next = least.source.next();
    if (document.key !== last) yield document;
    last = document.key;
  }
}

function* scanned(
  store: Store,
  query: Query,
  { scan, overlay }: { scan: Scan; overlay: Overlay },
): Generator<StoredDocument> {
  for (const row of scannedRows(store, scan)) {
    if (overlay.has(row.key)) continue;
    const document = fromRow(row);
    if (matches(query, document)) yield document;
  }
}

type ScanRow = DocumentRow & { entry: Uint8Array | string };

/** The rows of a scan in its direction, read in pieces so that several scans can be under way. */
function* scannedRows(store: Store, scan: Scan): Generator<DocumentRow> {
  let { lower, upper } = scan;
  let size = FIRST_CHUNK;
  while (true) {
    const sql = scanStatement(scan, size);
    const numbers = scan.index ? [scan.collection ?? -1, scan.field] : collectionOf(scan);
    const rows = all<ScanRow>(store, sql, [...numbers, lower, upper]);
    yield* rows;
    if (rows.length < size) return;
    const last = (rows.at(-1) as ScanRow).entry;
    if (scan.isReversed) upper = toBound(last);
    else lower = following(last);
    size = CHUNK;
  }
}

function collectionOf(scan: Scan): number[] {
  return scan.collection === undefined ? [] : [scan.collection];
}

function toBound(entry: Uint8Array | string): Buffer | string {
  return typeof entry === "string" ? entry : Buffer.from(entry);
}

function following(entry: Uint8Array | string): Buffer | string {
  return typeof entry === "string" ? `${entry}\u0001` : Buffer.concat([entry, Buffer.from([0])]);
}

function scanStatement(scan: Scan, size: number): string {
  const columns = scan.index ? "range.key AS entry, d.*" : "range.key AS entry, range.*";
  const join = scan.index ? "CROSS JOIN documents d ON d.id = range.document" : "";
  const way = scan.isReversed ? "DESC" : "ASC";
  return `SELECT ${columns} ${entriesInRange(scan, join)} ORDER BY range.key ${way} LIMIT ${size}`;
}

function entriesInRange(scan: Scan, join = ""): string {
  const bounds = "range.key >= ? AND range.key < ?";
  if (scan.index) {
    return `FROM index_entries range ${join} WHERE range.collection = ? AND range.field = ? AND ${bounds}`;
  }
  const column = scan.isGroup ? "collection_group" : "collection";
  const within = scan.collection === undefined ? "" : `range.${column} = ? AND `;
  return `FROM documents range WHERE ${within}${bounds}`;
}

/**
 * How many documents the query gives, counted no further than `upTo`. Where the index says all, no
 * document is read.
 */
export function countMatching(store: Store, query: Query, upTo: number): number {
  const last = Math.min(upTo, query.limit ?? Number.POSITIVE_INFINITY);
  const scan = exactScan(store, query);
  if (!scan) return runQuery(store, { ...query, limit: last }).documents.length;
  const numbers = scan.index ? [scan.collection ?? -1, scan.field] : collectionOf(scan);
  const end = Math.min(last + query.offset, Number.MAX_SAFE_INTEGER);
  const sql = `SELECT count(*) AS size FROM (SELECT 1 ${entriesInRange(scan)} LIMIT ?)`;
  const row = first<{ size: number }>(store, sql, [...numbers, scan.lower, scan.upper, end]);
  return Math.max((row?.size ?? 0) - query.offset, 0);
}

function exactScan(store: Store, query: Query): Scan | undefined {
  const [disjunct, ...others] = query.disjuncts;
  if (!disjunct || others.length > 0 || query.startAt || query.endAt) return undefined;
  const scan = planScan(store, query, disjunct);
  return scan.isExact && scan.isOrdered ? scan : undefined;
}
