import { PUSHED_FUNCTIONS } from "../../shared/names.ts";
import type { DeploySettings } from "./settings.ts";

/** What the names of all that is ours begin with. */
const PRODUCT = "runyard";

/** Every function that is deployed, by the name that `functions/index.ts` registers. */
export const FUNCTIONS = ["api", "receiveHook", ...PUSHED_FUNCTIONS, "sweep"] as const;
export type FunctionName = (typeof FUNCTIONS)[number];

/** Those that anybody may call, and that look for themselves who does. */
export const PUBLIC: readonly FunctionName[] = ["api", "receiveHook"];

/** Those that seal and open what must be kept secret, and so get the keys. */
export const SEALING: readonly FunctionName[] = ["api", "deliverWebhook", "receiveHook"];

/** Everybody who has an account of the deployment: each function, builds, pushes and the clock. */
export const ACCOUNTS = [...FUNCTIONS, "build", "push", "scheduler"] as const;
export type AccountName = (typeof ACCOUNTS)[number];

/** Google's own accounts in a project, by what stands before `PROJECT_NUMBER`'s domain. */
export const AGENTS = {
  pubsubAgent: "gcp-sa-pubsub",
  cloudBuildAgent: "gcp-sa-cloudbuild",
} as const;

/** The id of the secret with the keys that seal. */
export const SEAL_SECRET = `${PRODUCT}-seal-keys`;

const kebab = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `-${letter}`).toLowerCase();

/** The name of a service, or the id of an account. */
export const ownName = (name: string): string => `${PRODUCT}-${kebab(name)}`;

/** Stands for a project's number that was not looked up. */
export const UNKNOWN_NUMBER = "NUMBER";

/** What of a deployment is named by its project. */
export type Place = Pick<
  DeploySettings,
  "project" | "region" | "buildRegion" | "modelKeySecret"
> & {
  projectNumber: string;
  githubKeySecret?: string;
  githubHookKeySecret?: string;
};

/** The bucket of what runs take and leave. */
export const dataBucketOf = (project: string): string => `${project}-${PRODUCT}-data`;

/** The names of all that the stack makes, and of what it is given. */
export function namesOf(place: Place) {
  const { project, projectNumber, region, buildRegion, modelKeySecret } = place;
  const emailOf = (account: AccountName) =>
    `${ownName(account)}@${project}.iam.gserviceaccount.com`;
  return {
    project,
    dataBucket: dataBucketOf(project),
    logsBucket: `${project}-${PRODUCT}-logs`,
    repository: PRODUCT,
    repositoryName: `projects/${project}/locations/${buildRegion}/repositories/${PRODUCT}`,
    secret: `projects/${project}/secrets/${modelKeySecret}`,
    /** Of the keys that seal what must be kept secret. */
    sealSecret: `projects/${project}/secrets/${SEAL_SECRET}`,
    appKey: `projects/${project}/secrets/${place.githubKeySecret ?? "github-app-key"}`,
    hookKey: `projects/${project}/secrets/${place.githubHookKeySecret ?? "github-hook-key"}`,
    emailOf,
    accountName: (account: AccountName) =>
      `projects/${project}/serviceAccounts/${emailOf(account)}`,
    topic: (topic: string) => `projects/${project}/topics/${topic}`,
    subscription: (topic: string) => `projects/${project}/subscriptions/${topic}`,
    service: (name: FunctionName) =>
      `projects/${project}/locations/${region}/services/${ownName(name)}`,
    /** @see https://cloud.google.com/run/docs/triggering/https-request#deterministic */
    urlOf: (name: FunctionName) => `https://${ownName(name)}-${projectNumber}.${region}.run.app`,
    agentEmail: (agent: keyof typeof AGENTS) =>
      `service-${projectNumber}@${AGENTS[agent]}.iam.gserviceaccount.com`,
  };
}

export type Names = ReturnType<typeof namesOf>;
