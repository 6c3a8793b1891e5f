import { prunedProtos } from "./pruned-protos.ts";
import type { Rewrite } from "./rewrites.ts";

/**
 * What Google's clients load at each start and this project never calls, with what stands there
 * instead: a call of it fails. It costs the api a third of the processor time of its first answer.
 */
const REPLACED: Readonly<Record<string, string>> = {
  // Without the administration of databases. Firestore's own client reads the static types.
  "@google-cloud/firestore-api/build/src/index.js": `
    const { FirestoreClient } = require("./v1/firestore_client");
    module.exports = { FirestoreClient, v1: { FirestoreClient }, protos: require("../protos/protos") };`,
  // Topics are published to, and pushed from: nothing pulls, nothing has a schema. Scopes are
  // looked at.
  "@google-cloud/pubsub-api/build/src/index.js": `
    const { PublisherClient } = require("./v1/publisher_client");
    class SubscriberClient { static scopes = []; }
    module.exports = { PublisherClient, SubscriberClient };`,
  // Without the connections to repositories.
  "@google-cloud/cloudbuild/build/src/index.js": `
    const { CloudBuildClient } = require("./v1/cloud_build_client");
    module.exports = { CloudBuildClient, v1: { CloudBuildClient } };`,
  // Static types for who imports them by name.
  "@google-cloud/pubsub/build/protos/protos.js": "",
  // Each client makes one, for calls that nobody makes.
  "google-gax/build/src/locationService.js": `
    exports.LocationsClient = class { async initialize() {} async close() {} };`,
  "google-gax/build/src/iamService.js": `
    exports.IamClient = class { async initialize() {} async close() {} };`,
};

/** The service of each client that is called: other services, and their messages, are left out. */
const SERVICES: Readonly<Record<string, string>> = {
  "@google-cloud/firestore-api/build/protos/protos.json": "google.firestore.v1.Firestore",
  "@google-cloud/pubsub-api/build/protos/protos.json": "google.pubsub.v1.Publisher",
  "@google-cloud/cloudbuild/build/protos/protos.json": "google.devtools.cloudbuild.v1.CloudBuild",
};

/** Leaves out of a bundle what is loaded for nothing. */
export const WITHOUT_UNUSED_SURFACES: readonly Rewrite[] = [
  ...Object.entries(REPLACED).map(([file, contents]) => ({ file, rewrite: () => contents })),
  ...Object.entries(SERVICES).map(([file, service]) => ({
    file,
    rewrite: (text: string) => JSON.stringify(prunedProtos(JSON.parse(text), service)),
  })),
];
