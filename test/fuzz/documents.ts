import type { Firestore } from "@google-cloud/firestore";

/** When each document was last written, by its path. */
type Documents = ReadonlyMap<string, string>;

/** Collections that requests can write to, and groups of such below documents. */
const COLLECTIONS = ["runs", "runState", "runRequests", "conversations", "agents", "keys"] as const;
const GROUPS = ["events", "versions"] as const;

/** Every document that there is. */
export async function documentsOf(firestore: Firestore): Promise<Documents> {
  const queries = [
    ...COLLECTIONS.map((name) => firestore.collection(name)),
    ...GROUPS.map((name) => firestore.collectionGroup(name)),
  ];
  const snapshots = await Promise.all(queries.map((query) => query.select().get()));
  const listed = await firestore.listCollections();
  const unknown = listed.filter(({ id }) => !(COLLECTIONS as readonly string[]).includes(id));
  if (unknown.length > 0) throw new Error(`unknown collections ${unknown.map(({ id }) => id)}`);
  return new Map(
    snapshots
      .flatMap(({ docs }) => docs)
      .map((each) => [each.ref.path, each.updateTime.toDate().toISOString()]),
  );
}

/** Paths of what has been made, changed or erased in between. */
export function changedDocuments(before: Documents, after: Documents): string[] {
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths].filter((path) => before.get(path) !== after.get(path));
}
