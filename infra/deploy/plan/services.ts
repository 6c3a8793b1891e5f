import { appSecretsOf } from "../access/given.ts";
import { SEAL_GRANTS } from "../access/grants.ts";
import {
  ACCOUNTS,
  FUNCTIONS,
  type FunctionName,
  ownName,
  PUBLIC,
  SEAL_SECRET,
  SEALING,
} from "../names.ts";
import type { Resource } from "../resource.ts";
import { APIS, SERVICES, TELEMETRY_API } from "../tables/services.ts";
import { memberResource } from "./access.ts";
import type { Stack } from "./stack.ts";

/** Google's services that are turned on, and stay so. */
export const apiResources = ({ settings: { project, telemetry } }: Stack): Resource[] =>
  [...APIS, ...(telemetry ? [TELEMETRY_API] : [])].map((service) => ({
    name: `api-${service.replace(".googleapis.com", "")}`,
    type: "projects.Service",
    args: { project, service, disableOnDestroy: false },
  }));

export const accountResources = ({ settings: { project } }: Stack): Resource[] =>
  ACCOUNTS.map((account) => ({
    name: `account-${account}`,
    type: "serviceaccount.Account",
    args: { project, accountId: ownName(account), displayName: `Runyard: ${account}` },
    after: ["api-iam"],
  }));

/** A revision may ask by indexes that the one before did not need: those are there first. */
export const serviceResources = (stack: Stack, indexes: readonly Resource[]): Resource[] =>
  FUNCTIONS.map((name) => serviceOf(stack, name)).map((service) => ({
    ...service,
    after: [...(service.after ?? []), ...indexes.map((index) => index.name)],
  }));

function serviceOf(stack: Stack, name: FunctionName): Resource {
  const { settings, names } = stack;
  const row = SERVICES[name];
  const envs = Object.entries(environmentOf(stack, name));
  return {
    name: `service-${name}`,
    type: "cloudrunv2.Service",
    args: {
      project: settings.project,
      location: settings.region,
      name: ownName(name),
      ingress: row.ingress,
      deletionProtection: false,
      // What tokens are for: the address that is known before the service is there.
      customAudiences: [names.urlOf(name)],
      template: {
        serviceAccount: names.emailOf(name),
        timeout: `${row.timeoutSeconds}s`,
        maxInstanceRequestConcurrency: row.concurrency,
        scaling: {
          minInstanceCount: name === "api" ? settings.minInstances : 0,
          maxInstanceCount: row.maxInstances,
        },
        containers: [
          {
            image: settings.image,
            envs: [
              ...envs.map(([variable, value]) => ({ name: variable, value })),
              ...mountedOf(name, settings).map(([variable, secret]) => ({
                name: variable,
                valueSource: { secretKeyRef: { secret, version: "latest" } },
              })),
            ],
            resources: {
              limits: { cpu: row.cpu, memory: row.memory },
              cpuIdle: true,
              startupCpuBoost: true,
            },
          },
        ],
      },
    },
    after: [
      ...[`account-${name}`, "api-run", "database", "bucket-data"],
      // A revision whose account may not read its secrets does not start.
      ...SEAL_GRANTS.filter(({ principal }) => principal === name).map(memberResource),
      ...appSecretsFor(name, settings).map(({ grant }) => memberResource(grant)),
    ],
  };
}

/** The variables of a function whose values are secrets' latest versions, with the secrets' ids. */
export const mountedOf = (
  name: FunctionName,
  settings: Parameters<typeof appSecretsOf>[0],
): [variable: string, secret: string][] => [
  ...(SEALING.includes(name) ? [["RUNYARD_SEAL_KEYS", SEAL_SECRET] as [string, string]] : []),
  ...appSecretsFor(name, settings).map(
    ({ variable, secret }) => [variable, secret] as [string, string],
  ),
];

const appSecretsFor = (name: FunctionName, settings: Parameters<typeof appSecretsOf>[0]) =>
  appSecretsOf(settings).filter(({ grant }) => grant.principal === name);

/** The variables of a function, as `functions/config.ts` reads them. */
export function environmentOf(
  { settings, names }: Stack,
  name: FunctionName,
): Record<string, string> {
  const caller = name === "sweep" ? "scheduler" : "push";
  const trigger = {
    RUNYARD_TRIGGER_AUTH: "iam",
    RUNYARD_TRIGGER_AUDIENCE: names.urlOf(name),
    RUNYARD_TRIGGER_ACCOUNTS: names.emailOf(caller),
  };
  return {
    RUNYARD_ALLOWED_HOSTS: new URL(names.urlOf("api")).hostname,
    ...settings.environment,
    ...(settings.retention && { RUNYARD_RETENTION: JSON.stringify(settings.retention) }),
    FUNCTION_TARGET: name,
    GOOGLE_CLOUD_PROJECT: settings.project,
    RUNYARD_BUCKET: names.dataBucket,
    RUNYARD_PUBLIC_URL: names.urlOf("api"),
    RUNYARD_IMAGE: settings.runnerImage,
    RUNYARD_BUILD_SERVICE_ACCOUNT: names.accountName("build"),
    RUNYARD_LOGS_BUCKET: `gs://${names.logsBucket}`,
    RUNYARD_MODEL_KEY_SECRET: `${names.secret}/versions/latest`,
    RUNYARD_LOCATION: settings.buildRegion,
    ...(settings.githubKeySecret && { RUNYARD_GITHUB_KEY_SECRET: settings.githubKeySecret }),
    ...(settings.githubHookKeySecret && {
      RUNYARD_GITHUB_HOOK_KEY_SECRET: settings.githubHookKeySecret,
    }),
    ...(!PUBLIC.includes(name) && trigger),
    ...(settings.telemetry && telemetryVariables(settings, name)),
  };
}

/**
 * A run takes minutes of a machine, so each is traced, whatever Google's front samples of requests.
 */
const telemetryVariables = ({ project, region }: Stack["settings"], name: FunctionName) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: `https://${TELEMETRY_API}`,
  OTEL_TRACES_SAMPLER: "always_on",
  OTEL_SERVICE_NAME: ownName(name),
  OTEL_RESOURCE_ATTRIBUTES: Object.entries({
    "gcp.project_id": project,
    "cloud.provider": "gcp",
    "cloud.platform": "gcp_cloud_run",
    "cloud.region": region,
  })
    .map(([attribute, value]) => `${attribute}=${value}`)
    .join(),
});
