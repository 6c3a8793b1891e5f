const PROJECT = "runyard-local";

/** What the local server calls that which has a project's name in the cloud. */
export const LOCAL = {
  project: PROJECT,
  bucket: PROJECT,
  /** Of builds' logs where accounts are told apart: who may read the one may not read the other. */
  logsBucket: `${PROJECT}-logs`,
  buildAccount: `projects/${PROJECT}/serviceAccounts/agent@${PROJECT}.iam.gserviceaccount.com`,
  /** Builds, as the callers of the services are called. */
  buildCaller: "build",
} as const;
