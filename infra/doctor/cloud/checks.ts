import { COLLECTIONS } from "../../../shared/names.ts";
import type { Resource } from "../../deploy/resource.ts";
import { type Check, fault, type Look, ok, Unseen, warning } from "../check.ts";
import { differences } from "./differences.ts";
import { enabling } from "./google.ts";
import { lookAtGrants } from "./policies.ts";
import { capacityCommand, defaultLook, type Place, type QuotaMetric, quotaLooks } from "./quota.ts";
import type { ResourceRow } from "./resource-row.ts";
import { firestore, RESOURCE_ROWS } from "./resources.ts";
import { type Cloud, ofType } from "./world.ts";

const ANSWER_MS = 15_000;
/** Names in one call of Service Usage's `batchGet`. */
const BATCH = 20;

/** Every part of a deployment, as the tables have it, and then what it takes to work. */
export const CLOUD_CHECKS: readonly Check<Cloud>[] = [
  {
    name: "APIs",
    look: lookAtApis,
    remedy: ({ plan, settings }) => enabling(servicesOf(plan), settings.project),
  },
  ...RESOURCE_ROWS.map(resourceCheck),
  { name: "grants", look: lookAtGrants, remedy: ({ deploy }) => deploy },
  {
    name: "images",
    look: lookAtImages,
    remedy: () => "push it there, or say the digest of one that is there in the settings",
  },
  {
    name: "model's key",
    look: ({ names, google }) => lookAtVersion(names.secret, google),
    remedy: ({ settings: { project, modelKeySecret } }) =>
      `gcloud secrets versions add ${modelKeySecret} --project ${project} --data-file=FILE`,
  },
  {
    name: "keys that seal",
    look: ({ names, google }) => lookAtVersion(names.sealSecret, google),
    remedy: ({ deploy }) => deploy,
  },
  {
    name: "api",
    look: lookAtApi,
    remedy: ({ settings: { project, region }, names }) =>
      `gcloud run services logs read ${names.service("api").split("/").at(-1)} --region ${region} --project ${project}`,
  },
  {
    name: "capacity",
    look: lookAtCapacity,
    remedy: ({ settings: { project, slots } }) => capacityCommand("default", slots, project),
  },
];

/** A row of the resources, all of its class at once. */
function resourceCheck(row: ResourceRow): Check<Cloud> {
  return {
    name: row.name,
    remedy: ({ deploy }) => deploy,
    async look(cloud) {
      const resources = ofType(cloud, row.type);
      const looks = await Promise.all(resources.map((resource) => lookAt(row, resource, cloud)));
      const wrong = looks.flat();
      if (wrong.length > 0) return wrong;
      return ok(resources.length === 0 ? "the settings want none" : `${resources.length} as made`);
    },
  };
}

/** What is wrong with a resource; nothing, or a line for each difference. */
async function lookAt(row: ResourceRow, { name, args }: Resource, cloud: Cloud): Promise<Look[]> {
  const found = await row.find(args, cloud);
  if (found === undefined) return [fault(`${name} is not there`)];
  const expected = row.expected?.(args, cloud) ?? {};
  const remedy = row.remedy?.(found, cloud);
  return differences(expected, found).map((line) => fault(`${name}: ${line}`, remedy));
}

const servicesOf = (plan: readonly Resource[]): string[] =>
  plan.filter(({ type }) => type === "projects.Service").map(({ args }) => String(args["service"]));

interface Service {
  name: string;
  state?: string;
}

async function lookAtApis({ plan, settings, google }: Cloud): Promise<Look> {
  const { project, projectNumber } = settings;
  const wanted = servicesOf(plan);
  const parent = `projects/${projectNumber}`;
  const batches = Array.from({ length: Math.ceil(wanted.length / BATCH) }, (_, at) =>
    wanted.slice(at * BATCH, (at + 1) * BATCH),
  );
  const answers = await Promise.all(
    batches.map((batch) => {
      const names = batch.map((service) => `names=${parent}/services/${service}`).join("&");
      return google.get(
        `https://serviceusage.googleapis.com/v1/${parent}/services:batchGet?${names}`,
      );
    }),
  );
  const services = answers.flatMap((answer) => (answer as { services?: Service[] }).services ?? []);
  const on = new Set(
    services.filter(({ state }) => state === "ENABLED").map(({ name }) => name.split("/").at(-1)),
  );
  const off = wanted.filter((service) => !on.has(service));
  if (off.length === 0) return ok(`${wanted.length} are on`);
  return fault(`off: ${off.join(", ")}`, enabling(off, project));
}

const OF_ARTIFACT_REGISTRY =
  /^([a-z0-9-]+)-docker\.pkg\.dev\/([^/]+)\/([^/]+)\/(.+)@(sha256:[0-9a-f]{64})$/;

async function lookAtImages({ settings, isSaid, google }: Cloud): Promise<Look[]> {
  if (!isSaid)
    return [warning("no settings say which", "say image and runnerImage in the settings")];
  return Promise.all(
    [settings.image, settings.runnerImage].map(async (image) => {
      const [, location, project, repository, path = "", digest] =
        OF_ARTIFACT_REGISTRY.exec(image) ?? [];
      if (location === undefined) {
        return warning(`${image} is not in Artifact Registry`, `docker pull ${image}`);
      }
      const parent = `projects/${project}/locations/${location}/repositories/${repository}`;
      const name = `${parent}/dockerImages/${encodeURIComponent(path)}@${digest}`;
      const found = await google.get(`https://artifactregistry.googleapis.com/v1/${name}`);
      return found === undefined ? fault(`${image} is not there`) : ok(image);
    }),
  );
}

async function lookAtVersion(secret: string, google: Cloud["google"]): Promise<Look> {
  const url = `https://secretmanager.googleapis.com/v1/${secret}/versions/latest`;
  const version = (await google.get(url)) as { name: string; state: string } | undefined;
  if (version === undefined) return fault(`${secret} has no version`);
  return version.state === "ENABLED"
    ? ok(version.name)
    : fault(`the latest version of ${secret} is ${version.state}`);
}

/** @throws {Unseen} if nothing answers */
async function lookAtApi({ names, fetch }: Cloud): Promise<Look> {
  const url = `${names.urlOf("api")}/v1/health`;
  let answer: Response;
  try {
    answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
  } catch (cause) {
    throw new Unseen(`${url} does not answer: ${(cause as Error).message}`, { cause });
  }
  return answer.ok ? ok(`${url} answers`) : fault(`${url} answers with ${answer.status}`);
}

async function lookAtCapacity(cloud: Cloud): Promise<Look[]> {
  const { settings, google } = cloud;
  const { project, projectNumber } = settings;
  const [database] = ofType(cloud, "firestore.Database");
  const path = `/documents/${COLLECTIONS.targets}`;
  const documents = await google.list(
    firestore(project, String(database?.args["name"]), path),
    "documents",
  );
  const places = documents.map(placeOf);
  if (places.length === 0) return [fault("there are no targets, so no run can start")];
  const metrics = await google.list(
    `https://serviceusage.googleapis.com/v1beta1/projects/${projectNumber}/services/cloudbuild.googleapis.com/consumerQuotaMetrics`,
    "metrics",
  );
  const looks = quotaLooks(places, metrics as QuotaMetric[], project).map((look) =>
    look.state === "ok" || look.remedy ? look : { ...look, remedy: quotaPage(project) },
  );
  return [...defaultLook(places, project), ...looks];
}

const quotaPage = (project: string): string =>
  `look at https://console.cloud.google.com/iam-admin/quotas?project=${project}&service=cloudbuild.googleapis.com`;

/** A value of a document. @see https://cloud.google.com/firestore/docs/reference/rest/v1/Value */
interface Value {
  stringValue?: string;
  integerValue?: string;
  doubleValue?: number;
  nullValue?: null;
  mapValue?: { fields?: Record<string, Value> };
}

/** A target of a document as Firestore's REST API has it. */
export function placeOf(document: unknown): Place {
  const { fields } = document as { fields: Record<string, Value> };
  const slots = Object.entries(fields["slots"]?.mapValue?.fields ?? {});
  return {
    id: fields["id"]?.stringValue ?? "",
    projectId: fields["projectId"]?.stringValue ?? "",
    location: fields["location"]?.stringValue ?? "",
    pool: fields["pool"]?.stringValue ?? null,
    slots: Object.fromEntries(
      slots.map(([type, { integerValue, doubleValue }]) => [
        type,
        Number(integerValue ?? doubleValue ?? 0),
      ]),
    ),
  };
}
