import type { StoredDocument } from "./document.ts";
import type { Change } from "./history.ts";
import { compareByQuery, matches, type Query } from "./query.ts";

/** What a query gave, as far as one must know it to say whether a change concerns it. */
export interface QueryWindow {
  query: Query;
  /** By key, in the query's order; undefined: nothing was cut off, so the filter alone decides. */
  documents: Map<string, StoredDocument> | undefined;
}

/** Whether a change can change what the query gives. */
export function concerns({ query, documents }: QueryWindow, change: Change): boolean {
  const { before, after } = change;
  if (!documents || query.offset > 0) {
    return [before, after].some((document) => document && matches(query, document));
  }
  if (documents.has(change.key)) return true;
  if (!after || !matches(query, after)) return false;
  if (documents.size < (query.limit ?? 0)) return true;
  const last = [...documents.values()].at(-1);
  return last !== undefined && compareByQuery(query, after, last) < 0;
}

/** The window of a query that has just given `documents`. */
export function windowOf(query: Query, documents: readonly StoredDocument[]): QueryWindow {
  if (query.limit === undefined || query.offset > 0) return { query, documents: undefined };
  return { query, documents: new Map(documents.map((document) => [document.key, document])) };
}
