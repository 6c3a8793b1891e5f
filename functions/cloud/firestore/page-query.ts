import {
  type CollectionReference,
  FieldPath,
  type Query,
  Timestamp,
} from "@google-cloud/firestore";

import type { Part } from "../../services/page.ts";

/** Values that fields have, by their paths; and those that their arrays have. */
interface Equalities {
  equal: Record<string, unknown>;
  contains?: Record<string, string> | undefined;
  /** Of `createdAt`: at or after `from` and before `to`. */
  from?: Date | undefined;
  to?: Date | undefined;
}

/**
 * The part of a list in which every equality holds, newest first.
 * Items that are added later stand before those that were read.
 */
export function partOf(
  collection: CollectionReference,
  { equal, contains = {}, from, to }: Equalities,
  { limit, after }: Part,
): Query {
  let query: Query = collection;
  for (const [path, value] of Object.entries(equal)) query = query.where(path, "==", value);
  for (const [path, value] of Object.entries(contains)) {
    query = query.where(path, "array-contains", value);
  }
  if (from) query = query.where("createdAt", ">=", from);
  if (to) query = query.where("createdAt", "<", to);
  const ordered = query.orderBy("createdAt", "desc").orderBy(FieldPath.documentId(), "desc");
  const rest = after && ordered.startAfter(Timestamp.fromMillis(after.rank), after.id);
  return (rest ?? ordered).limit(limit);
}
