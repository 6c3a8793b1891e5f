import type { Run } from "../../../shared/documents/run.ts";
import { COLLECTIONS } from "../../../shared/names.ts";
import { type Database, fromDocument } from "./client.ts";

/** Turns of a conversation that has one pull request. */
const MOST_RUNS = 500;

/** The runs that have a pull request, of one repository or among those of several. */
export async function runsOfPullRequest(
  { firestore, call }: Database,
  url: string,
): Promise<Run[]> {
  const runs = firestore.collection(COLLECTIONS.runs);
  const queries = [
    runs.where("repository.pullRequest.url", "==", url),
    runs.where("pullRequestUrls", "array-contains", url),
  ];
  const found = queries.map(async (query) => {
    const { docs } = await call(() => query.limit(MOST_RUNS).get());
    return docs.map((document) => fromDocument(document.data()) as Run);
  });
  return (await Promise.all(found)).flat();
}
