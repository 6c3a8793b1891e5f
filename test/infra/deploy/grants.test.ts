import { grantFor } from "../../../infra/deploy/access/policy.ts";
import { localGrants } from "../../../infra/local/local-grants.ts";
import { LOCAL } from "../../../infra/local/names.ts";
import { TOPICS } from "../../../shared/names.ts";

/** Each applies events to runs, and performs whatever the decision on one asks for. */
const DECIDING = ["api", "submitBuild", "recordBuildStatus", "receiveEvent", "sweep"];

const project = `projects/${LOCAL.project}`;
const object = `buckets/${LOCAL.bucket}/objects/attempts/one`;
/** What a decision may ask for: see `perform` and the writes of a transaction on a run. */
const ASKED_FOR = [
  ...["create", "delete", "get", "list", "update"].map((verb) => [
    `datastore.entities.${verb}`,
    project,
  ]),
  ["pubsub.topics.publish", `${project}/topics/${TOPICS.runRequests}`],
  ["pubsub.topics.publish", `${project}/topics/${TOPICS.runEvents}`],
  ["pubsub.topics.publish", `${project}/topics/${TOPICS.runDeliveries}`],
  ["cloudbuild.builds.get", project],
  ["cloudbuild.builds.update", project],
  ["storage.objects.create", object],
  ["storage.objects.get", object],
] as const;

test.each(DECIDING)("%s may do whatever a decision on a run asks for", (account) => {
  const missing = ASKED_FOR.filter(
    ([permission = "", resource = ""]) =>
      grantFor(localGrants(), account, { permission, resource }) === undefined,
  );
  expect(missing).toEqual([]);
});
