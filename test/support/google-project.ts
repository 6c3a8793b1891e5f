import { namesOf } from "../../infra/deploy/names.ts";
import type { Answer, Call, Request } from "../../infra/doctor/cloud/google.ts";
import { DEPLOYED, deployedPlan } from "./deployment.ts";
import { type Body, FIRESTORE, PROJECT_URL, putResource } from "./google-resources.ts";

const { project, projectNumber, image, runnerImage } = DEPLOYED;
const names = namesOf(DEPLOYED);

/**
 * The REST APIs of a project that is as the tables want it, in the words of Google's references.
 */
export interface GoogleProject {
  /** Bodies by address; what has none is answered with 404. */
  bodies: Map<string, Body>;
  /** Every call, in order. */
  calls: Call[];
  request: Request;
  /** Changes the one body whose address ends so. */
  change(ending: string, change: (body: Body) => void): void;
  remove(ending: string): void;
  /** Answers an address that ends so with a status and a body. */
  refuse(ending: string, status: number, body?: Body): void;
}

export function googleProject(): GoogleProject {
  const bodies = new Map<string, Body>();
  const refusals: { ending: string; answer: Answer }[] = [];
  const calls: Call[] = [];
  for (const resource of deployedPlan()) putResource(bodies, resource);
  for (const [url, body] of Object.entries(OTHERS)) bodies.set(url, structuredClone(body));
  const date = () => new Date().toUTCString();
  const addressOf = (ending: string) => {
    const found = [...bodies.keys()].filter((url) => url.endsWith(ending));
    if (found.length !== 1) throw new Error(`${found.length} addresses end with ${ending}`);
    return found[0] as string;
  };
  return {
    bodies,
    calls,
    async request(call) {
      calls.push(call);
      const refusal = refusals.find(({ ending }) => call.url.endsWith(ending));
      if (refusal !== undefined) return { ...refusal.answer, date: date() };
      const data = bodies.get(call.url);
      return { status: data === undefined ? 404 : 200, data: structuredClone(data), date: date() };
    },
    change: (ending, change) => change(bodies.get(addressOf(ending))),
    remove: (ending) => void bodies.delete(addressOf(ending)),
    refuse: (ending, status, data) =>
      void refusals.push({ ending, answer: { status, data, date: null } }),
  };
}

/** Address of an image in the repository's list. */
function imageUrl(pinned: string): string {
  const [, host, owner, repository, name, digest] =
    /^(\w+)-docker\.pkg\.dev\/([^/]+)\/([^/]+)\/([^@]+)@(.*)$/.exec(pinned) ?? [];
  return `https://artifactregistry.googleapis.com/v1/projects/${owner}/locations/${host}/repositories/${repository}/dockerImages/${name}@${digest}`;
}

/** What is no resource of the plan. */
const OTHERS: Readonly<Record<string, Body>> = {
  [PROJECT_URL]: { name: `projects/${projectNumber}`, projectId: project, state: "ACTIVE" },
  [imageUrl(image)]: { uri: image },
  [imageUrl(runnerImage)]: { uri: runnerImage },
  [`https://secretmanager.googleapis.com/v1/${names.secret}/versions/latest`]: {
    name: `projects/${projectNumber}/secrets/anthropic-api-key/versions/1`,
    state: "ENABLED",
  },
  [`https://secretmanager.googleapis.com/v1/${names.sealSecret}/versions/latest`]: {
    name: `projects/${projectNumber}/secrets/runyard-seal-keys/versions/1`,
    state: "ENABLED",
  },
  [`${FIRESTORE}/documents/targets`]: {
    documents: [
      {
        name: `projects/${project}/databases/(default)/documents/targets/default`,
        fields: {
          id: { stringValue: "default" },
          projectId: { stringValue: project },
          location: { stringValue: "us-central1" },
          pool: { nullValue: null },
          slots: { mapValue: { fields: { E2_STANDARD_2: { integerValue: "8" } } } },
        },
      },
    ],
  },
  [`https://serviceusage.googleapis.com/v1beta1/projects/${projectNumber}/services/cloudbuild.googleapis.com/consumerQuotaMetrics`]:
    {
      metrics: [
        {
          metric: "cloudbuild.googleapis.com/concurrent_public_pool_build_cpus",
          consumerQuotaLimits: [
            {
              unit: "1/{project}/{region}",
              quotaBuckets: [
                { effectiveLimit: "5", defaultLimit: "5" },
                { effectiveLimit: "20", dimensions: { region: "us-central1" } },
              ],
            },
          ],
        },
      ],
    },
};
