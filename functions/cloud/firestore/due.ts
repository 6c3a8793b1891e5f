import type {
  CollectionReference,
  DocumentSnapshot,
  Query,
  QueryDocumentSnapshot,
} from "@google-cloud/firestore";
import { ALL_SHARDS } from "../../../shared/shard.ts";
import type { Database } from "./client.ts";

/** What is due at `now`, `limit` documents at a time, each with these fields or with all. */
interface Part {
  now: Date;
  limit: number;
  fields?: readonly string[] | undefined;
}

export type Page = QueryDocumentSnapshot[];

/**
 * The documents of a collection whose `dueAt` has passed, longest due first in each page, which has
 * at most twice the limit.
 *
 * One query asks all shards, and Firestore merges them by time: it costs what it finds, or one
 * read, as one without shards does. A document that an earlier revision wrote has no shard, and is
 * found by the index of `dueAt` alone; by that an earlier revision finds what this one writes. Both
 * indexes are there for one release. With the next one the second query goes, and its index.
 */
export async function* dueIn(
  { call }: Pick<Database, "call">,
  collection: CollectionReference,
  { now, limit, fields }: Part,
): AsyncGenerator<Page> {
  const inShards = dueInShards({ call }, collection, { now, limit, fields });
  const all = dueOf({ call }, collection, { now, limit, fields });
  for (;;) {
    const [sharded, others] = await Promise.all([inShards.next(), all.next()]);
    if (sharded.done && others.done) return;
    const page: Page = [...(sharded.value ?? []), ...(others.value ?? []).filter(hasNoShard)];
    yield page.sort((a, b) => dueAtMs(a) - dueAtMs(b));
  }
}

/** The same where no earlier revision has written documents: each has a shard. */
export const dueInShards = (
  database: Pick<Database, "call">,
  collection: CollectionReference,
  part: Part,
): AsyncGenerator<Page> => dueOf(database, collection.where("shard", "in", ALL_SHARDS), part);

function dueOf(
  { call }: Pick<Database, "call">,
  documents: Query,
  { now, limit, fields }: Part,
): AsyncGenerator<Page> {
  const inOrder = documents.where("dueAt", "<=", now).orderBy("dueAt").limit(limit);
  const query = fields ? inOrder.select("dueAt", "shard", ...fields) : inOrder;
  return pagesOf(query, limit, call);
}

/** A first page names no second field in its order: Firestore would count lines of the index. */
async function* pagesOf(query: Query, limit: number, call: Database["call"]): AsyncGenerator<Page> {
  let last: DocumentSnapshot | undefined;
  do {
    const part = last ? query.startAfter(last) : query;
    const { docs } = await call(() => part.get());
    yield docs;
    last = docs.length === limit ? docs.at(-1) : undefined;
  } while (last !== undefined);
}

const hasNoShard = (document: DocumentSnapshot) => document.get("shard") === undefined;

const dueAtMs = (document: DocumentSnapshot): number => document.get("dueAt").toMillis();
