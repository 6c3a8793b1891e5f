/** A role that is no more than its permissions: Google's where one is, else one of our own. */
export type Role =
  | { google: string; permissions: readonly string[] }
  | { own: string; permissions: readonly string[] };

export const roleId = (role: Role): string => ("google" in role ? role.google : role.own);

export const PUBLISHER = {
  google: "roles/pubsub.publisher",
  permissions: ["pubsub.topics.publish"],
};
export const SUBSCRIBER = {
  google: "roles/pubsub.subscriber",
  permissions: ["pubsub.subscriptions.consume"],
};
export const INVOKER = { google: "roles/run.invoker", permissions: ["run.routes.invoke"] };
export const SECRET_ACCESSOR = {
  google: "roles/secretmanager.secretAccessor",
  permissions: ["secretmanager.versions.access"],
};
export const IMAGE_READER = {
  google: "roles/artifactregistry.reader",
  permissions: ["artifactregistry.repositories.downloadArtifacts"],
};
export const ID_TOKEN_CREATOR = {
  google: "roles/iam.serviceAccountOpenIdTokenCreator",
  permissions: ["iam.serviceAccounts.getOpenIdToken"],
};
export const TRACES_WRITER = {
  google: "roles/telemetry.tracesWriter",
  permissions: ["telemetry.traces.write"],
};
export const METRICS_WRITER = {
  google: "roles/telemetry.metricsWriter",
  permissions: ["telemetry.metrics.write"],
};

/**
 * Each has less than Google's roles for the same, which let list databases, change buckets and the
 * like.
 */
const own = (id: string, ...permissions: string[]): Role => ({ own: `runyard.${id}`, permissions });

const documents = (id: string, ...entities: string[]): Role =>
  own(id, "datastore.databases.get", ...entities.map((verb) => `datastore.entities.${verb}`));

export const DOCUMENTS = documents("documents", "create", "delete", "get", "list", "update");
export const TRIGGER_READER = own("triggerReader", "datastore.entities.get");
export const DEAD_LETTERS = documents("deadLetters", "create", "get", "update");
export const DELIVERER = documents("deliverer", "create", "get", "list", "update");
export const DELIVERIES = documents("deliveries", "create", "get", "list", "update");
export const ACT_AS = own("actAsBuild", "iam.serviceAccounts.actAs");
const objects = (id: string, ...verbs: string[]): Role =>
  own(id, ...verbs.map((verb) => `storage.objects.${verb}`));
export const ATTEMPTS = objects("attempts", "create", "get", "list");
export const ERASER = objects("eraser", "create", "delete", "get", "list");
export const LOG_READER = objects("logReader", "delete", "get", "list");
export const LOG_WRITER = own(
  "logWriter",
  "storage.buckets.get",
  ...["create", "delete", "get"].map((verb) => `storage.objects.${verb}`),
);
export const LEFT_READER = objects("leftReader", "get", "list");
export const TOKEN_KEEPER = objects("tokenKeeper", "create");
export const EVENT_KEEPER = objects("eventKeeper", "create");
export const UPLOAD_READER = objects("uploadReader", "get");
export const MIRROR_KEEPER = objects("mirrorKeeper", "create", "delete", "get");
export const EVENT_READER = objects("eventReader", "get");
export const SIGNER = own("signer", "iam.serviceAccounts.signBlob");
export const WORKER = objects("worker", "create", "get");
const builds = (id: string, ...verbs: string[]): Role =>
  own(id, ...verbs.map((verb) => `cloudbuild.builds.${verb}`));
export const BUILDS = builds("builds", "create", "get", "list", "update");
export const BUILD_ENDER = builds("buildEnder", "get", "update");
export const BUILD_WATCHER = builds("buildWatcher", "get", "list", "update");
