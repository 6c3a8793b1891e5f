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
 * Checks a query and makes explicit what Firestore implies. An aggregated field is one of the order, so
 * that only documents which have them all count.
 *
 * @throws {GoogleError} INVALID_ARGUMENT, as Google's, naming what is wrong.
 * @see https://cloud.google.com/firestore/docs/reference/rpc/google.firestore.v1#structuredquery
 */
export function parseQuery(
  parent: string | undefined,
  query: StructuredQuery,
  aggregated: readonly string[] = [],
): Query {
  if (query.findNearest) throw new GoogleError("UNIMPLEMENTED", "findNearest is not implemented");
  const filter = parseFilter(query.where);
  const disjuncts = disjunctsOf(filter);
  const summed = aggregated.filter((path) => !isFixed(path, disjuncts));
  const orders = completeOrders(query, orderedPaths(filter), summed);
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
 * Differs: without a collection selector Google's emulator reads each collection right below the parent;
 * here, where no client sends that, it is refused.
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

/** Whether an equality says what the field is. */
function isFixed(path: string, disjuncts: Comparison[][]): boolean {
  return disjuncts.every((disjunct) =>
    disjunct.some((comparison) => comparison.path === path && comparison.op === "EQUAL"),
  );
}

function completeOrders(
  query: StructuredQuery,
  inequalities: string[],
  aggregated: string[],
): Order[] {
  const orders = (query.orderBy ?? []).map(({ field, direction }) => {
    if (field?.fieldPath !== NAME_PATH) parseFieldPath(field?.fieldPath);
    return { path: field?.fieldPath as string, isDescending: direction === "DESCENDING" };
  });
  const named = orders.findIndex((order) => order.path === NAME_PATH);
  if (named >= 0 && named < orders.length - 1) {
    throw invalid("order by clause cannot contain more fields after the key");
  }
  if (named >= 0) {
    const late = aggregated.filter((path) => !orders.some((order) => order.path === path));
    if (late.length === 0) return orders;
    throw invalid(
      `This query requires an index that has fields [${late.join(", ")}] after ${NAME_PATH} and Firestore does not currently support such an index. Please try the query again with additional ordering on those fields.`,
    );
  }
  const isDescending = orders.at(-1)?.isDescending ?? false;
  const implied = [...inequalities, ...aggregated].filter((path) => path !== NAME_PATH);
  for (const path of [...implied, NAME_PATH]) {
    if (!orders.some((order) => order.path === path)) orders.push({ path, isDescending });
  }
  return orders;
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
    query.orders.every((order) => orderKeyAt(document, order.path) !== undefined) &&
    isSatisfied(query.filter, document) &&
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
