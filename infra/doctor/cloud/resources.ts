import type { Argument } from "../../deploy/resource.ts";
import type { Expected } from "./differences.ts";
import { type Args, among, at, type ResourceRow } from "./resource-row.ts";
import type { Cloud } from "./world.ts";

/** Address of a database, and what is below it. */
export const firestore = (project: string, database: string, path = ""): string =>
  `https://firestore.googleapis.com/v1/projects/${project}/databases/${database}${path}`;
const monitoring = (version: string, project: string, list: string): string =>
  `https://monitoring.googleapis.com/${version}/projects/${project}/${list}`;
const pubsub = (name: string): string => `https://pubsub.googleapis.com/v1/${name}`;
const iam = (name: string): string => `https://iam.googleapis.com/v1/${name}`;

const DOCUMENTS: readonly ResourceRow[] = [
  {
    name: "database",
    type: "firestore.Database",
    find: at(({ project, name }) => firestore(project, name)),
    expected: ({ locationId, type, deleteProtectionState, pointInTimeRecoveryEnablement }) => ({
      locationId,
      type,
      deleteProtectionState,
      pointInTimeRecoveryEnablement,
    }),
  },
  {
    name: "indexes",
    type: "firestore.Index",
    find: among(
      ({ project, database }) => ({
        url: firestore(project, database, "/collectionGroups/-/indexes"),
        key: "indexes",
      }),
      ({ collection, queryScope, fields }, index) =>
        index.name.includes(`/collectionGroups/${collection}/`) &&
        index.queryScope === queryScope &&
        indexFields(fields) === indexFields(index.fields),
    ),
    expected: () => ({ state: "READY" }),
    remedy: waiting,
  },
  {
    name: "fields",
    type: "firestore.Field",
    find: at(({ project, database, collection, field }) => {
      const path = `/collectionGroups/${collection}/fields/${encodeURIComponent(field)}`;
      return firestore(project, database, path);
    }),
    expected: ({ field, indexConfig, ttlConfig }) => ({
      indexConfig: {
        usesAncestorConfig: false,
        indexes: indexConfig.indexes.map(({ queryScope, ...index }: Args) => ({
          queryScope,
          state: "READY",
          fields: [{ fieldPath: field, ...index }],
        })),
      },
      ...(ttlConfig && { ttlConfig: { state: "ACTIVE" } }),
    }),
    remedy: waiting,
  },
];

/** What Firestore is still at work on becomes ready by itself. */
function waiting(found: Args, { settings: { project } }: Cloud): string | undefined {
  const isAtWork = JSON.stringify(found).includes('"state":"CREATING"');
  return isAtWork ? `gcloud firestore operations list --project ${project}` : undefined;
}

/** Google adds the document's name as the last field. */
const indexFields = (fields: { fieldPath: string; order?: string; arrayConfig?: string }[]) =>
  fields
    .filter(({ fieldPath }) => fieldPath !== "__name__")
    .map(({ fieldPath, order, arrayConfig }) => `${fieldPath} ${order ?? arrayConfig}`)
    .join(", ");

const RULES: readonly ResourceRow[] = [
  {
    name: "rules",
    type: "firebaserules.Ruleset",
    async find({ project }, { google }) {
      const release = (await google.get(releaseUrl(project, "cloud.firestore"))) as
        | { rulesetName: string }
        | undefined;
      return (
        release && google.get(`https://firebaserules.googleapis.com/v1/${release.rulesetName}`)
      );
    },
    expected: ({ source: { files } }) => ({
      source: { files: files.map(({ name, content }: Args) => ({ name, content })) },
    }),
  },
  {
    name: "rules' release",
    type: "firebaserules.Release",
    find: at(({ project, name }) => releaseUrl(project, name)),
  },
];

const releaseUrl = (project: string, name: string): string =>
  `https://firebaserules.googleapis.com/v1/projects/${project}/releases/${name}`;

const MESSAGES: readonly ResourceRow[] = [
  {
    name: "topics",
    type: "pubsub.Topic",
    find: at(({ name }, { names }) => pubsub(names.topic(name))),
  },
  {
    name: "subscriptions",
    type: "pubsub.Subscription",
    find: at(({ name }, { names }) => pubsub(names.subscription(name))),
    expected: ({ project: _project, name: _name, topic, ...rest }, { names }) => ({
      ...rest,
      topic: names.topic(topic),
      state: "ACTIVE",
    }),
  },
  {
    name: "sweep's clock",
    type: "cloudscheduler.Job",
    find: at(
      ({ project, region, name }) =>
        `https://cloudscheduler.googleapis.com/v1/projects/${project}/locations/${region}/jobs/${name}`,
    ),
    // The last call's status: zero where it was answered.
    expected: ({ schedule, timeZone, attemptDeadline, httpTarget }) => ({
      schedule,
      timeZone,
      attemptDeadline,
      httpTarget,
      state: "ENABLED",
      status: { code: 0 },
    }),
  },
];

const STORAGE: readonly ResourceRow[] = [
  {
    name: "buckets",
    type: "storage.Bucket",
    find: at(({ name }) => `https://storage.googleapis.com/storage/v1/b/${name}`),
    expected: ({ location, lifecycleRules, softDeletePolicy, ...access }) => ({
      location,
      iamConfiguration: {
        uniformBucketLevelAccess: { enabled: access.uniformBucketLevelAccess },
        publicAccessPrevention: access.publicAccessPrevention,
      },
      // A number of 64 bits is text in Google's JSON.
      softDeletePolicy: {
        retentionDurationSeconds: String(softDeletePolicy.retentionDurationSeconds),
      },
      lifecycle: { rule: lifecycleRules.map(ruleOf) },
    }),
  },
  {
    name: "repository",
    type: "artifactregistry.Repository",
    find: at(
      (_args, { names }) => `https://artifactregistry.googleapis.com/v1/${names.repositoryName}`,
    ),
    expected: ({ format }) => ({ format }),
  },
  {
    name: "secret",
    type: "secretmanager.Secret",
    find: at((_args, { names }) => `https://secretmanager.googleapis.com/v1/${names.secret}`),
  },
];

/** Pulumi has the plural where Google has not. */
function ruleOf({ action, condition }: { action: Argument; condition: Args }): Expected {
  const { matchesPrefixes, ...rest } = condition;
  return {
    action,
    condition: { ...rest, ...(matchesPrefixes && { matchesPrefix: matchesPrefixes }) },
  } as Expected;
}

const ACCOUNTS: readonly ResourceRow[] = [
  {
    name: "service accounts",
    type: "serviceaccount.Account",
    find: at(({ project, accountId }) =>
      iam(`projects/${project}/serviceAccounts/${accountId}@${project}.iam.gserviceaccount.com`),
    ),
    expected: () => ({ disabled: false }),
  },
  {
    name: "roles",
    type: "projects.IAMCustomRole",
    find: at(({ project, roleId }) => iam(`projects/${project}/roles/${roleId}`)),
    expected: ({ permissions }) => ({ includedPermissions: permissions, deleted: false }),
  },
];

const SERVICES: readonly ResourceRow[] = [
  {
    name: "services",
    type: "cloudrunv2.Service",
    find: at(
      ({ project, location, name }) =>
        `https://run.googleapis.com/v2/projects/${project}/locations/${location}/services/${name}`,
    ),
    expected: ({ ingress, customAudiences, template }, { isSaid }) => {
      const { containers, ...rest } = template;
      return {
        ingress,
        customAudiences,
        terminalCondition: { state: "CONDITION_SUCCEEDED" },
        template: {
          ...rest,
          containers: containers.map(({ image, envs, resources }: Args) => ({
            resources,
            ...(isSaid && { image, env: envs }),
          })),
        },
      };
    },
  },
];

const WATCHING: readonly ResourceRow[] = [
  {
    name: "log metrics",
    type: "logging.Metric",
    find: at(
      ({ project, name }) =>
        `https://logging.googleapis.com/v2/projects/${project}/metrics/${name}`,
    ),
    expected: ({ filter }) => ({ filter }),
  },
  {
    name: "alerts",
    type: "monitoring.AlertPolicy",
    find: among(
      ({ project }) => ({
        url: monitoring("v3", project, "alertPolicies"),
        key: "alertPolicies",
      }),
      (args, policy) => args.displayName === policy.displayName,
    ),
    expected: ({ conditions }) => ({
      enabled: true,
      conditions: conditions.map(
        ({ conditionThreshold: { filter, comparison, thresholdValue, duration } }: Args) => ({
          conditionThreshold: { filter, comparison, thresholdValue, duration },
        }),
      ),
    }),
  },
  {
    name: "channels",
    type: "monitoring.NotificationChannel",
    find: among(
      ({ project }) => ({
        url: monitoring("v3", project, "notificationChannels"),
        key: "notificationChannels",
      }),
      ({ labels }, channel) => labels.email_address === channel.labels?.email_address,
    ),
    expected: () => ({ enabled: true }),
  },
  {
    name: "dashboard",
    type: "monitoring.Dashboard",
    find: among(
      ({ project }) => ({ url: monitoring("v1", project, "dashboards"), key: "dashboards" }),
      ({ dashboardJson }, board) => JSON.parse(dashboardJson).displayName === board.displayName,
    ),
  },
  {
    name: "budget",
    type: "billing.Budget",
    find: among(
      ({ billingAccount }) => ({
        url: `https://billingbudgets.googleapis.com/v1/billingAccounts/${billingAccount}/budgets`,
        key: "budgets",
      }),
      (args, budget) => args.displayName === budget.displayName,
    ),
    expected: ({ amount }) => ({ amount }),
  },
];

/**
 * Every class of the plan but what is turned on and who is given what, in the order in which it is
 * looked at.
 */
export const RESOURCE_ROWS: readonly ResourceRow[] = [
  ...ACCOUNTS,
  ...DOCUMENTS,
  ...RULES,
  ...STORAGE,
  ...SERVICES,
  ...MESSAGES,
  ...WATCHING,
];
