import type { Firestore } from "@google-cloud/firestore";
import { COLLECTIONS } from "../../shared/names.ts";

/** When each document was last written, by its path. */
type Documents = ReadonlyMap<string, string>;

type Collection = keyof typeof COLLECTIONS;

/**
 * What requests write in each collection: `named`: documents by the ids of what they name; `below`
 * such documents; `derived`: what is made of runs that end, by ids that name none; `nothing`, in
 * this world, which has no quotas, budgets and slots.
 */
const WRITTEN: Record<Collection, "named" | "below" | "derived" | "nothing"> = {
  runs: "named",
  runStates: "named",
  runRequests: "named",
  erasedRuns: "named",
  conversations: "named",
  agents: "named",
  keys: "named",
  events: "below",
  versions: "below",
  webhooks: "named",
  deliveries: "named",
  usage: "derived",
  owners: "nothing",
  spending: "nothing",
  targets: "nothing",
  slots: "nothing",
  buckets: "nothing",
  lines: "nothing",
  deadLetters: "nothing",
  triggers: "named",
  firings: "nothing",
  triggerCounts: "nothing",
  triggerLanes: "nothing",
};

const collectionsWith = (what: (typeof WRITTEN)[Collection]): string[] =>
  (Object.keys(WRITTEN) as Collection[])
    .filter((name) => WRITTEN[name] === what)
    .map((name) => COLLECTIONS[name]);

/** Every document that a request can be named for. */
export async function documentsOf(firestore: Firestore): Promise<Documents> {
  const queries = [
    ...collectionsWith("named").map((name) => firestore.collection(name)),
    ...collectionsWith("below").map((name) => firestore.collectionGroup(name)),
  ];
  const snapshots = await Promise.all(queries.map((query) => query.select().get()));
  const listed = await firestore.listCollections();
  const known = [...collectionsWith("named"), ...collectionsWith("derived")];
  const unknown = listed.filter(({ id }) => !known.includes(id));
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
