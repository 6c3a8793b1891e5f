import { sha256 } from "./hash.ts";

/**
 * Over how many parts the index of a time that grows is spread: each takes 500 writes a second.
 *
 * @see https://firebase.google.com/docs/firestore/solutions/shard-timestamp
 */
const SHARDS = 16;

/** Every value that {@link shardOf} has. */
export const ALL_SHARDS: readonly number[] = Array.from({ length: SHARDS }, (_, n) => n);

/** The part of the index that a document is in, for good; by its id. */
export const shardOf = (id: string): number => Number.parseInt(sha256(id).slice(0, 8), 16) % SHARDS;
