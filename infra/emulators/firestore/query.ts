import { GoogleError } from "../wire/status.ts";
import { orderKeyAt, type StoredDocument } from "./document.ts";
import { checkCollectionId, parseParent } from "./document-name.ts";
import { type FieldPath, NAME_PATH, parseFieldPath } from "./field-path.ts";
import type { Cursor, StructuredQuery } from "./messages.ts";
import { indexedKey, orderKey } from "./order-key.ts";
import {
  type Comparison,
  type Condition,
  disjunctsOf,
  isSatisfied,
  orderedPaths,
  parseFilter,
} from "./query-filter.ts";

/** Which documents a query is about. */
export interface QueryScope {
  root: string;
  /** The root, or a document. */
  parent: string;
  /** Undefined: every collection (only with `allDescendants`). */
  collectionId: string | undefined;
  allDescendants: boolean;
}

export interface Order {
  path: string;
  isDescending: boolean;
}

/** A place in the query's order, by its first keys. */
interface Bound {
  keys: Buffer[];
  isBefore: boolean;
}

/** A structured query that has been checked and completed. */
export interface Query {
  scope: QueryScope;
  filter: Condition;
  /** The filter as an OR of ANDs. */
  disjuncts: Comparison[][];
  /** Complete: with the fields of inequalities and the name at its end. */
  orders: Order[];
  startAt: Bound | undefined;
  endAt: Bound | undefined;
  offset: number;
  limit: number | undefined;
  /** Undefined: all fields. */
  select: FieldPath[] | undefined;
}

/**
 * Checks a query and makes explicit what Firestore implies.
 *
 * @throws {GoogleError} INVALID_ARGUMENT, as Google's, naming what is wrong.
 * @see https://cloud.google.com/firestore/docs/reference/rpc/google.firestore.v1#structuredquery
 */
export function parseQuery(parent: string | undefined, query: StructuredQuery): Query {
  if (query.findNearest) throw new GoogleError("UNIMPLEMENTED", "findNearest is not implemented");
  const filter = parseFilter(query.where);
  const disjuncts = disjunctsOf(filter);
  const inequalities = orderedPaths(filter);
  checkNameFilters(disjuncts, inequalities);
  const orders = completeOrders(query, inequalities);
  return {
    scope: parseScope(parent, query),
    filter,
    disjuncts,
    orders,
    startAt: parseCursor(query.startAt, orders),
    endAt: parseCursor(query.endAt, orders),
    offset: checkedCount(query.offset, "offset") ?? 0,
    limit: query.limit ? (checkedCount(query.limit.value ?? 0, "limit") as number) : undefined,
    select: parseSelect(query),
  };
}

/**
 * Differs: without a collection selector Google's emulator reads each collection right below the
 * parent; here, where no client sends that, it is refused.
 */
function parseScope(parent: string | undefined, query: StructuredQuery): QueryScope {
  const root = parseParent(parent);
  if ((query.from ?? []).length !== 1) {
    throw invalid("A query must have exactly one collection selector in its from clause.");
  }
  const { collectionId, allDescendants = false } = query.from?.[0] ?? {};
  if (!collectionId && !allDescendants) {
    throw invalid("A query without a collection id must select all descendants.");
  }
  if (collectionId) checkCollectionId(collectionId);
  return {
    root,
    parent: parent as string,
    collectionId: collectionId || undefined,
    allDescendants,
  };
}

/**
 * A query whose sums and averages are asked for: it also goes by the aggregated fields, after its
 * own order, so that only documents that have them all count.
 *
 * @throws {GoogleError} INVALID_ARGUMENT in the words of Google's emulator.
 */
export function parseAggregatedQuery(
  parent: string | undefined,
  structured: StructuredQuery,
  aggregated: readonly string[],
): Query {
  const query = parseQuery(parent, structured);
  const missing = aggregated.filter((path) => !query.orders.some((order) => order.path === path));
  if (aggregated.length > 0) checkMask(structured, aggregated);
  if (missing.length === 0) return query;
  const isOfNames =
    structured.orderBy?.at(-1)?.field?.fieldPath === NAME_PATH ||
    query.disjuncts.flat().some(({ path }) => path === NAME_PATH);
  if (isOfNames) {
    throw invalid(
      `This query requires an index that has fields [${missing.join(", ")}] after ${NAME_PATH} and Firestore does not currently support such an index. Please try the query again with additional ordering on those fields.`,
    );
  }
  const name = query.orders.at(-1) as Order;
  const added = [...new Set(missing)].map((path) => ({ ...name, path }));
  return { ...query, orders: [...query.orders.slice(0, -1), ...added, name] };
}

function checkMask({ select }: StructuredQuery, aggregated: readonly string[]): void {
  if (!select) return;
  const fields = (select.fields ?? []).map(({ fieldPath }) => fieldPath);
  if (fields.every((path) => path === NAME_PATH)) {
    throw invalid(
      "Aggregation over non-key properties is not supported for base query that only returns keys.",
    );
  }
  const absent = aggregated.find((path) => !fields.includes(path));
  throw invalid(
    absent === undefined
      ? "Cannot apply property masks when aggregation fields are present."
      : `The aggregation property ${absent} is not present in the base query's property mask.`,
  );
}

function checkNameFilters(disjuncts: Comparison[][], inequalities: string[]): void {
  const isEquality = disjuncts
    .flat()
    .some(({ path, op }) => path === NAME_PATH && (op === "EQUAL" || op === "CONTAINS"));
  if (!isEquality || inequalities.length === 0 || inequalities.includes(NAME_PATH)) return;
  throw invalid(
    "Equality on key is not allowed if there are other inequality fields and key does not appear in inequalities.",
  );
}

function completeOrders(query: StructuredQuery, inequalities: string[]): Order[] {
  const orders = (query.orderBy ?? []).map(({ field, direction }) => {
    if (field?.fieldPath !== NAME_PATH) parseFieldPath(field?.fieldPath);
    return { path: field?.fieldPath as string, isDescending: direction === "DESCENDING" };
  });
  const isDescending = orders.at(-1)?.isDescending ?? false;
  const given = orders.map(({ path }) => path);
  const implied = [...inequalities.filter((path) => path !== NAME_PATH), NAME_PATH];
  const added = implied.filter((path) => !given.includes(path));
  const all = [...orders, ...added.map((path) => ({ path, isDescending }))];
  if (all.findIndex(({ path }) => path === NAME_PATH) < all.length - 1) {
    throw invalid("order by clause cannot contain more fields after the key");
  }
  const twice = given.find((path, at) => given.indexOf(path) !== at);
  if (twice) throw invalid(`order by clause cannot contain duplicate fields ${twice}`);
  return all;
}

function parseCursor(cursor: Cursor | undefined, orders: Order[]): Bound | undefined {
  if (!cursor) return undefined;
  const values = cursor.values ?? [];
  if (values.length > orders.length) {
    throw invalid("Cursor has too many values.");
  }
  return { keys: values.map(orderKey), isBefore: cursor.before ?? false };
}

function checkedCount(count: number | undefined, what: string): number | undefined {
  if (count !== undefined && count < 0) throw invalid(`${what} is negative: ${count}`);
  return count;
}

function parseSelect(query: StructuredQuery): FieldPath[] | undefined {
  if (!query.select) return undefined;
  const paths = (query.select.fields ?? []).map(({ fieldPath }) => fieldPath);
  return paths.filter((path) => path !== NAME_PATH).map(parseFieldPath);
}

function invalid(message: string): GoogleError {
  return new GoogleError("INVALID_ARGUMENT", message);
}

/** Whether the document belongs to the query's result, `offset` and `limit` apart. */
export function matches(query: Query, document: StoredDocument): boolean {
  return (
    isInScope(query.scope, document) &&
    isSatisfied(query.filter, document) &&
    query.orders.every(({ path }) => path === NAME_PATH || orderKeyAt(document, path)) &&
    isWithinCursors(query, document)
  );
}

/** Whether the document lies where the query looks. */
function isInScope(scope: QueryScope, { name }: StoredDocument): boolean {
  if (scope.collectionId !== undefined && name.collectionId !== scope.collectionId) return false;
  if (scope.allDescendants) return name.name.startsWith(`${scope.parent}/`);
  return name.collection === `${scope.parent}/${scope.collectionId}`;
}

function isWithinCursors(query: Query, document: StoredDocument): boolean {
  const { startAt, endAt } = query;
  if (startAt) {
    const order = compareToBound(query, document, startAt);
    if (startAt.isBefore ? order < 0 : order <= 0) return false;
  }
  if (endAt) {
    const order = compareToBound(query, document, endAt);
    if (endAt.isBefore ? order >= 0 : order > 0) return false;
  }
  return true;
}

function compareToBound(query: Query, document: StoredDocument, bound: Bound): number {
  for (const [index, key] of bound.keys.entries()) {
    const order = query.orders[index] as Order;
    const own = orderKeyAt(document, order.path) as Buffer;
    const compared = Buffer.compare(indexedKey(own), indexedKey(key));
    if (compared !== 0) return order.isDescending ? -compared : compared;
  }
  return 0;
}

/** The order in which the query gives its documents. Both must match it. */
export function compareByQuery(query: Query, left: StoredDocument, right: StoredDocument): number {
  for (const { path, isDescending } of query.orders) {
    const a = orderKeyAt(left, path) as Buffer;
    const b = orderKeyAt(right, path) as Buffer;
    const compared = Buffer.compare(indexedKey(a), indexedKey(b));
    if (compared !== 0) return isDescending ? -compared : compared;
  }
  return 0;
}
