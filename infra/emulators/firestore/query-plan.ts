import { keysBelow } from "./document-name.ts";
import { NAME_PATH } from "./field-path.ts";
import {
  type IndexDefinition,
  type IndexField,
  type IndexScope,
  singleFieldModes,
} from "./index-catalog.ts";
import { component, inverted, singleFieldIndex } from "./index-entries.ts";
import { compareUtf8, indexedKey, MAX_INDEXED_BYTES, nameKeyOf, typeBounds } from "./order-key.ts";
import type { Order, Query, QueryScope } from "./query.ts";
import { type Comparison, isRange } from "./query-filter.ts";
import { first, groupPath, knownPathId, type Store } from "./store.ts";

/**
 * A stretch of an index, or of the table of documents, that holds all of a disjunct's documents.
 */
export interface Scan {
  /** Undefined: documents by their names. */
  index: IndexDefinition | undefined;
  /** The collection's or group's number; -1 if it has none; undefined: all collections. */
  collection: number | undefined;
  /** Whether `collection` is the number of a group. */
  isGroup: boolean;
  /** The index's number. */
  field: number;
  lower: Buffer | string;
  /** Not included. */
  upper: Buffer | string;
  isReversed: boolean;
  /** Whether it gives the documents in the query's order. */
  isOrdered: boolean;
  /** Whether it holds nothing that the disjunct does not match, cursors apart. */
  isExact: boolean;
}

const AFTER_EVERYTHING = Buffer.from([0xff]);
const ENOUGH_TO_SORT = 500;

/** The cheapest scan for one disjunct of the query. */
export function planScan(store: Store, query: Query, disjunct: Comparison[]): Scan {
  const byName = nameScan(store, query, disjunct);
  const scans = candidateIndexes(store, query, disjunct)
    .map((index) => stretchOf(store, { query, disjunct, index }))
    .filter((scan) => scan !== undefined);
  const perfect = scans.find((scan) => scan.isOrdered && scan.isExact);
  if (perfect) return perfect;
  if (scans.length === 0) return byName;
  const small = scans
    .map((scan) => ({ scan, size: sizeUpTo(store, scan) }))
    .toSorted((left, right) => left.size - right.size)[0];
  if (small && small.size < ENOUGH_TO_SORT) return small.scan;
  const ordered = scans.find((scan) => scan.isOrdered);
  if (ordered && query.limit !== undefined) return ordered;
  return small?.scan ?? byName;
}

/** How many entries the scan has, counted no further than where sorting would be dear. */
function sizeUpTo(store: Store, { collection, field, lower, upper }: Scan): number {
  const sql = `SELECT count(*) AS size FROM (SELECT 1 FROM index_entries WHERE collection = ? AND field = ? AND key >= ? AND key < ? LIMIT ${ENOUGH_TO_SORT})`;
  return first<{ size: number }>(store, sql, [collection ?? -1, field, lower, upper])?.size ?? 0;
}

/** The number under which the query's collection or group is stored. */
function scopeId(store: Store, scope: QueryScope): number | undefined {
  if (scope.collectionId === undefined) return undefined;
  const path = scope.allDescendants
    ? groupPath(scope.root, scope.collectionId)
    : `${scope.parent}/${scope.collectionId}`;
  return knownPathId(store, path) ?? -1;
}

function nameScan(store: Store, query: Query, disjunct: Comparison[]): Scan {
  const { scope, orders } = query;
  const { first, after } = keysBelow(
    scope.allDescendants ? scope.parent : `${scope.parent}/${scope.collectionId}`,
  );
  const range = { lower: first, upper: after };
  for (const { path, op, keys } of disjunct)
    if (path === NAME_PATH) narrowNames(range, op, keys[0]);
  if (orders[0]?.path === NAME_PATH) {
    const [start, end] = [query.startAt?.keys[0], query.endAt?.keys[0]];
    const [low, high] = orders[0].isDescending ? [end, start] : [start, end];
    if (low) narrowNames(range, "GREATER_THAN_OR_EQUAL", low);
    if (high) narrowNames(range, "LESS_THAN_OR_EQUAL", high);
  }
  return {
    index: undefined,
    collection: scopeId(store, scope),
    isGroup: scope.allDescendants,
    field: -1,
    ...range,
    isReversed: orders[0]?.path === NAME_PATH && orders[0].isDescending,
    isOrdered: orders[0]?.path === NAME_PATH,
    isExact: disjunct.length === 0 && orders.length === 1,
  };
}

/** Narrows a range of name keys by a comparison with a name; one that is too wide does no harm. */
function narrowNames(range: { lower: string; upper: string }, op: string, key: Buffer): void {
  const name = nameKeyOf(key);
  if (name === undefined) return;
  const after = `${name}\u0001`;
  if (op !== "LESS_THAN" && op !== "LESS_THAN_OR_EQUAL" && !op.startsWith("NOT")) {
    if (compareUtf8(name, range.lower) > 0) range.lower = name;
  }
  if (op !== "GREATER_THAN" && op !== "GREATER_THAN_OR_EQUAL" && !op.startsWith("NOT")) {
    if (compareUtf8(after, range.upper) < 0) range.upper = after;
  }
}

/**
 * The indexes that could serve: on a field of the filter or the first of the order, and composites.
 */
function candidateIndexes(store: Store, query: Query, disjunct: Comparison[]): IndexDefinition[] {
  const { collectionId, allDescendants } = query.scope;
  if (collectionId === undefined) return [];
  const scope: IndexScope = allDescendants ? "COLLECTION_GROUP" : "COLLECTION";
  const composites = store.catalog.composites.get(collectionId) ?? [];
  const candidates = composites.filter((index) => index.scope === scope);
  const paths = new Set([...disjunct.map(({ path }) => path), query.orders[0]?.path as string]);
  paths.delete(NAME_PATH);
  for (const path of paths) {
    const modes = singleFieldModes(store.catalog, collectionId, path)[scope];
    if (modes.has("ASCENDING") || modes.has("DESCENDING")) {
      candidates.push(singleFieldIndex(scope, path, "ASCENDING"));
    }
    if (modes.has("CONTAINS")) candidates.push(singleFieldIndex(scope, path, "CONTAINS"));
  }
  return candidates;
}

interface Candidate {
  query: Query;
  disjunct: Comparison[];
  index: IndexDefinition;
}

/** The stretch of the index that serves the disjunct; undefined if the index cannot. */
function stretchOf(store: Store, candidate: Candidate): Scan | undefined {
  const { query, disjunct, index } = candidate;
  const equals = matchedPrefix(index, disjunct);
  const rest = index.fields.slice(equals.length);
  const fixed = new Set(equals.filter(({ op }) => op === "EQUAL").map(({ path }) => path));
  const orders = query.orders.filter(({ path }) => !fixed.has(path));
  const isReversed = direction(rest, orders, index);
  if (isReversed === undefined) return undefined;
  const next = orders[rest.length];
  const nameReversed = next?.isDescending !== index.isNameDescending;
  const isOrdered = next?.path === NAME_PATH && (nameReversed === isReversed || rest.length === 0);
  const used = new Set<Comparison>(equals);
  const range = rangeOf(candidate, { order: orders[0], used, field: rest[0] });
  const prefix = Buffer.concat(
    equals.map(({ keys }, at) => component(keys[0], index.fields[at] as IndexField)),
  );
  const collection = scopeId(store, query.scope);
  return {
    index,
    collection,
    isGroup: query.scope.allDescendants,
    field: knownPathId(store, index.text) ?? -1,
    lower: Buffer.concat([prefix, range.lower]),
    upper: range.upper ? Buffer.concat([prefix, range.upper]) : afterPrefix(prefix),
    isReversed: rest.length === 0 ? nameReversed : isReversed,
    isOrdered,
    isExact: isExact({ query, disjunct, used }) && !range.isCut,
  };
}

/** Whether the stretch says all that the disjunct and the scope do. */
function isExact(input: { query: Query; disjunct: Comparison[]; used: Set<Comparison> }): boolean {
  const { scope } = input.query;
  if (scope.allDescendants && scope.parent !== scope.root) return false;
  return input.disjunct.every(
    (comparison) => input.used.has(comparison) && comparison.keys[0].length <= MAX_INDEXED_BYTES,
  );
}

/** The equalities of the disjunct that the index's first fields hold, in the index's order. */
function matchedPrefix(index: IndexDefinition, disjunct: Comparison[]): Comparison[] {
  const matched: Comparison[] = [];
  for (const field of index.fields) {
    const op = field.mode === "CONTAINS" ? "CONTAINS" : "EQUAL";
    const found = disjunct.find(
      (comparison) =>
        comparison.path === field.path && comparison.op === op && !matched.includes(comparison),
    );
    if (!found) break;
    matched.push(found);
    if (found.keys[0].length > MAX_INDEXED_BYTES) break;
  }
  return matched;
}

/**
 * Whether the index's fields after its prefix, read forwards (false) or backwards (true), go as the
 * query's order begins; undefined if neither.
 */
function direction(
  rest: readonly IndexField[],
  orders: Order[],
  index: IndexDefinition,
): boolean | undefined {
  let isReversed: boolean | undefined;
  for (const [at, field] of rest.entries()) {
    const order = orders[at];
    if (order?.path !== field.path || field.mode === "CONTAINS") return undefined;
    const isOpposite = order.isDescending !== (field.mode === "DESCENDING");
    if (isReversed !== undefined && isReversed !== isOpposite) return undefined;
    isReversed = isOpposite;
  }
  return isReversed ?? index.isNameDescending;
}

interface RangeInput {
  /** The order whose values follow the prefix. */
  order: Order | undefined;
  /** Receives the comparisons that the range contains. */
  used: Set<Comparison>;
  /** The index's field after the prefix; undefined: the name. */
  field: IndexField | undefined;
}

interface ByteRange {
  lower: Buffer;
  upper: Buffer | undefined;
  /** Whether the bounds are wider than the comparisons. */
  isCut: boolean;
}

/** The range of the bytes that follow the prefix, from range filters and cursors. */
function rangeOf({ query, disjunct, index }: Candidate, input: RangeInput): ByteRange {
  const { order, field, used } = input;
  const range: ByteRange = { lower: Buffer.alloc(0), upper: undefined, isCut: false };
  if (!order || !field) return range;
  for (const comparison of disjunct) {
    if (comparison.path !== order.path || !isRange(comparison.op)) continue;
    used.add(comparison);
    narrowByComparison(range, comparison);
  }
  if (order === query.orders[0]) narrowByCursors(range, query, order);
  const isTurned = field.mode === "DESCENDING";
  return isTurned && index.fields.length > 0 ? turned(range) : range;
}

function narrowByComparison(range: ByteRange, { op, keys }: Comparison): void {
  const key = keys[0];
  const { first, after } = typeBounds(key);
  const isCut = key.length > MAX_INDEXED_BYTES;
  const at = indexedKey(key);
  if (isCut) range.isCut = true;
  raise(range, first);
  reduce(range, after);
  if (op === "GREATER_THAN_OR_EQUAL" || (op === "GREATER_THAN" && isCut)) raise(range, at);
  else if (op === "GREATER_THAN") raise(range, afterPrefix(at));
  else if (op === "LESS_THAN_OR_EQUAL" || isCut) reduce(range, afterPrefix(at));
  else reduce(range, at);
}

function narrowByCursors(range: ByteRange, query: Query, order: Order): void {
  const start = query.startAt?.keys[0];
  const end = query.endAt?.keys[0];
  const [low, high] = order.isDescending ? [end, start] : [start, end];
  if (low) raise(range, indexedKey(low));
  if (high) reduce(range, afterPrefix(indexedKey(high)));
}

function raise(range: ByteRange, lower: Buffer): void {
  if (Buffer.compare(lower, range.lower) > 0) range.lower = lower;
}

function reduce(range: ByteRange, upper: Buffer): void {
  if (!range.upper || Buffer.compare(upper, range.upper) < 0) range.upper = upper;
}

/** The same range where the bits are turned. */
function turned({ lower, upper, isCut }: ByteRange): ByteRange {
  return {
    lower: upper ? afterPrefix(inverted(upper)) : Buffer.alloc(0),
    upper: lower.length > 0 ? afterPrefix(inverted(lower)) : undefined,
    isCut,
  };
}

/** What follows everything that begins with the bytes. */
function afterPrefix(prefix: Buffer): Buffer {
  for (let at = prefix.length - 1; at >= 0; at--) {
    const byte = prefix[at] as number;
    if (byte === 0xff) continue;
    const after = Buffer.from(prefix.subarray(0, at + 1));
    after[at] = byte + 1;
    return after;
  }
  return AFTER_EVERYTHING;
}
