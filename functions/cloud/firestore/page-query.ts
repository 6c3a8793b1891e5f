import {
  type CollectionReference,
  FieldPath,
  type Query,
  Timestamp,
} from "@google-cloud/firestore";

/** Where an item stands in a list: by what the list is in the order of, then by the item's id. */
export interface Position {
  /** Milliseconds since 1970, or a version. */
  rank: number;
  id: string;
}

/** A part of a list: at most `limit` items, from the first or from the one after `after`. */
export interface Part {
  limit: number;
  after?: Position | undefined;
}

/** Values that fields have, by their paths; and those that their arrays have. */
interface Equalities {
  equal: Record<string, unknown>;
  contains?: Record<string, string> | undefined;
}

/**
 * The part of a list in which every equality holds, newest first.
 * Items that are added later stand before those that were read.
 */
export function partOf(
  collection: CollectionReference,
  { equal, contains = {} }: Equalities,
  { limit, after }: Part,
): Query {
  let query: Query = collection;
  for (const [path, value] of Object.entries(equal)) query = query.where(path, "==", value);
  for (const [path, value] of Object.entries(contains)) {
    query = query.where(path, "array-contains", value);
  }
  const ordered = query.orderBy("createdAt", "desc").orderBy(FieldPath.documentId(), "desc");
  const rest = after && ordered.startAfter(Timestamp.fromMillis(after.rank), after.id);
  return (rest ?? ordered).limit(limit);
}

/** Where an item stands in a list of {@link partOf}. */
export function positionOf({ createdAt, id }: { createdAt: Date; id: string }): Position {
  return { rank: createdAt.getTime(), id };
}
