import { namesOf } from "../../infra/deploy/names.ts";
import type { Resource } from "../../infra/deploy/resource.ts";
import { DEPLOYED } from "./deployment.ts";

// biome-ignore lint/suspicious/noExplicitAny: what Google answers is different for each of its services
export type Body = any;

const { project, projectNumber, region, billingAccount } = DEPLOYED;
const names = namesOf(DEPLOYED);
export const FIRESTORE = `https://firestore.googleapis.com/v1/projects/${project}/databases/(default)`;
const MONITORING = "https://monitoring.googleapis.com";
const QUERY = "options.requestedPolicyVersion=3";
export const PROJECT_URL = `https://cloudresourcemanager.googleapis.com/v3/projects/${project}`;

/** Google's list under an address, made when it is first needed. */
function listed(bodies: Map<string, Body>, url: string, key: string): Body[] {
  const body = bodies.get(url) ?? { [key]: [] };
  bodies.set(url, body);
  return body[key];
}

/** A role in a policy, under the binding of its role and condition. */
function bind(bodies: Map<string, Body>, url: string, { role, member, condition }: Body): void {
  const bindings = listed(bodies, url, "bindings");
  const isSame = (binding: Body) =>
    binding.role === role && binding.condition?.expression === condition?.expression;
  let binding = bindings.find(isSame);
  if (binding === undefined) {
    binding = { role, members: [], ...(condition && { condition }) };
    bindings.push(binding);
  }
  binding.members.push(member);
}

/** Puts a resource of the plan where Google has it, in the words of Google's references. */
export function putResource(bodies: Map<string, Body>, { type, args: given }: Resource): void {
  const args: Body = given;
  const make = MAKERS[type];
  if (make === undefined) throw new Error(`no maker of ${type}`);
  make(bodies, args);
}

const MAKERS: Readonly<Record<string, (bodies: Map<string, Body>, args: Body) => void>> = {
  "projects.Service": (bodies, { service }) => {
    const url = [...bodies.keys()].find((key) => key.includes(":batchGet")) ?? BATCH_URL;
    const name = `projects/${projectNumber}/services/${service}`;
    listed(bodies, url, "services").push({ name, state: "ENABLED" });
    const { services } = bodies.get(url);
    bodies.delete(url);
    const query = services.map((each: Body) => `names=${each.name}`).join("&");
    bodies.set(`${BATCH_URL}?${query}`, { services });
  },
  "serviceaccount.Account": (bodies, { accountId }) => {
    const email = `${accountId}@${project}.iam.gserviceaccount.com`;
    const name = `projects/${project}/serviceAccounts/${email}`;
    bodies.set(`https://iam.googleapis.com/v1/${name}`, { name, email, uniqueId: "1" });
  },
  "projects.IAMCustomRole": (bodies, { roleId, permissions }) => {
    const name = `projects/${project}/roles/${roleId}`;
    const includedPermissions = [...permissions].reverse();
    bodies.set(`https://iam.googleapis.com/v1/${name}`, { name, includedPermissions, stage: "GA" });
  },
  "firestore.Database": (bodies, { locationId }) =>
    void bodies.set(FIRESTORE, {
      name: `projects/${project}/databases/(default)`,
      locationId,
      type: "FIRESTORE_NATIVE",
      concurrencyMode: "PESSIMISTIC",
      pointInTimeRecoveryEnablement: "POINT_IN_TIME_RECOVERY_ENABLED",
      deleteProtectionState: "DELETE_PROTECTION_ENABLED",
    }),
  "firestore.Index": (bodies, { collection, queryScope, fields }) => {
    const all = listed(bodies, `${FIRESTORE}/collectionGroups/-/indexes`, "indexes");
    const parent = `projects/${project}/databases/(default)/collectionGroups/${collection}`;
    const name = `${parent}/indexes/${all.length}`;
    const { order } = fields.at(-1);
    const last = { fieldPath: "__name__", order };
    all.push({ name, queryScope, fields: [...fields, last], state: "READY" });
  },
  "firestore.Field": (bodies, { collection, field, indexConfig, ttlConfig }) => {
    const path = `/collectionGroups/${collection}/fields/${encodeURIComponent(field)}`;
    const indexes = indexConfig.indexes.map(({ queryScope, ...rest }: Body) => ({
      queryScope,
      fields: [{ fieldPath: field, ...rest }],
      state: "READY",
    }));
    bodies.set(FIRESTORE + path, {
      name: `projects/${project}/databases/(default)${path}`,
      indexConfig: indexes.length > 0 ? { indexes } : {},
      ...(ttlConfig && { ttlConfig: { state: "ACTIVE" } }),
    });
  },
  "firebaserules.Ruleset": (bodies, { source }) => {
    const name = `projects/${project}/rulesets/1`;
    bodies.set(
      `https://firebaserules.googleapis.com/v1/${name}`,
      structuredClone({ name, source }),
    );
  },
  "firebaserules.Release": (bodies, { name }) => {
    const url = `https://firebaserules.googleapis.com/v1/projects/${project}/releases/${name}`;
    bodies.set(url, { name, rulesetName: `projects/${project}/rulesets/1` });
  },
  "storage.Bucket": (bodies, { name, location, lifecycleRules, softDeletePolicy }) => {
    const rule = lifecycleRules.map(
      ({ action, condition: { matchesPrefixes, ...rest } }: Body) => ({
        action,
        condition: { ...rest, ...(matchesPrefixes && { matchesPrefix: matchesPrefixes }) },
      }),
    );
    bodies.set(`https://storage.googleapis.com/storage/v1/b/${name}`, {
      kind: "storage#bucket",
      name,
      location,
      iamConfiguration: {
        publicAccessPrevention: "enforced",
        uniformBucketLevelAccess: { enabled: true, lockedTime: "2027-01-01T00:00:00Z" },
      },
      softDeletePolicy: {
        retentionDurationSeconds: String(softDeletePolicy.retentionDurationSeconds),
      },
      lifecycle: { rule: structuredClone(rule) },
    });
  },
  "artifactregistry.Repository": (bodies) =>
    void bodies.set(`https://artifactregistry.googleapis.com/v1/${names.repositoryName}`, {
      name: names.repositoryName,
      format: "DOCKER",
    }),
  "secretmanager.Secret": (bodies) =>
    void bodies.set(`https://secretmanager.googleapis.com/v1/${names.secret}`, {
      name: `projects/${projectNumber}/secrets/anthropic-api-key`,
      replication: { automatic: {} },
    }),
  "cloudrunv2.Service": (bodies, { location, name, ingress, customAudiences, template }) => {
    const { containers, scaling, ...rest } = structuredClone(template);
    const full = `projects/${project}/locations/${location}/services/${name}`;
    // What is zero is left out.
    const { minInstanceCount, ...counts } = scaling;
    bodies.set(`https://run.googleapis.com/v2/${full}`, {
      name: full,
      ingress,
      customAudiences,
      terminalCondition: { type: "Ready", state: "CONDITION_SUCCEEDED" },
      template: {
        ...rest,
        scaling: minInstanceCount > 0 ? scaling : counts,
        containers: containers.map(({ envs, ...container }: Body) => ({
          ...container,
          env: envs.toReversed(),
          ports: [{ name: "http1", containerPort: 8080 }],
        })),
      },
    });
  },
  "pubsub.Topic": (bodies, { name }) =>
    void bodies.set(`https://pubsub.googleapis.com/v1/${names.topic(name)}`, {
      name: names.topic(name),
    }),
  "pubsub.Subscription": (bodies, { name, topic, ...args }) => {
    const { project: _project, ...rest } = structuredClone(args);
    bodies.set(`https://pubsub.googleapis.com/v1/${names.subscription(name)}`, {
      messageRetentionDuration: "604800s",
      ...rest,
      name: names.subscription(name),
      topic: names.topic(topic),
      expirationPolicy: {},
      state: "ACTIVE",
    });
  },
  "cloudscheduler.Job": (bodies, { name, httpTarget, ...args }) => {
    const full = `projects/${project}/locations/${region}/jobs/${name}`;
    const { project: _project, region: _region, ...rest } = structuredClone(args);
    bodies.set(`https://cloudscheduler.googleapis.com/v1/${full}`, {
      ...rest,
      name: full,
      httpTarget: { ...structuredClone(httpTarget), uri: `${httpTarget.uri}/` },
      state: "ENABLED",
      status: {},
    });
  },
  "logging.Metric": (bodies, { name, filter }) =>
    void bodies.set(`https://logging.googleapis.com/v2/projects/${project}/metrics/${name}`, {
      name,
      filter,
    }),
  "monitoring.AlertPolicy": (bodies, { displayName, conditions, combiner }) =>
    void listed(bodies, `${MONITORING}/v3/projects/${project}/alertPolicies`, "alertPolicies").push(
      {
        name: `projects/${project}/alertPolicies/1`,
        displayName,
        combiner,
        enabled: true,
        // What is zero is left out.
        conditions: structuredClone(conditions).map((condition: Body) => {
          const { thresholdValue, ...threshold } = condition.conditionThreshold;
          const all = { ...threshold, ...(thresholdValue !== 0 && { thresholdValue }) };
          return { ...condition, conditionThreshold: all };
        }),
      },
    ),
  "monitoring.NotificationChannel": (bodies, { type, labels, displayName }) =>
    void listed(
      bodies,
      `${MONITORING}/v3/projects/${project}/notificationChannels`,
      "notificationChannels",
    ).push({ type, labels, displayName, enabled: true }),
  "monitoring.Dashboard": (bodies, { dashboardJson }) =>
    void listed(bodies, `${MONITORING}/v1/projects/${project}/dashboards`, "dashboards").push(
      JSON.parse(dashboardJson),
    ),
  "billing.Budget": (bodies, { displayName, amount }) =>
    void listed(
      bodies,
      `https://billingbudgets.googleapis.com/v1/billingAccounts/${billingAccount}/budgets`,
      "budgets",
    ).push(structuredClone({ displayName, amount })),
  "projects.IAMMember": (bodies, args) => bind(bodies, `${PROJECT_URL}:getIamPolicy`, args),
  "pubsub.TopicIAMMember": (bodies, args) =>
    bind(
      bodies,
      `https://pubsub.googleapis.com/v1/${names.topic(args.topic)}:getIamPolicy?${QUERY}`,
      args,
    ),
  "pubsub.SubscriptionIAMMember": (bodies, args) => {
    const name = names.subscription(args.subscription);
    bind(bodies, `https://pubsub.googleapis.com/v1/${name}:getIamPolicy?${QUERY}`, args);
  },
  "storage.BucketIAMMember": (bodies, args) =>
    bind(
      bodies,
      `https://storage.googleapis.com/storage/v1/b/${args.bucket}/iam?optionsRequestedPolicyVersion=3`,
      args,
    ),
  "secretmanager.SecretIamMember": (bodies, args) =>
    bind(
      bodies,
      `https://secretmanager.googleapis.com/v1/projects/${args.project}/secrets/${args.secretId}:getIamPolicy?${QUERY}`,
      args,
    ),
  "artifactregistry.RepositoryIamMember": (bodies, args) =>
    bind(
      bodies,
      `https://artifactregistry.googleapis.com/v1/${names.repositoryName}:getIamPolicy?${QUERY}`,
      args,
    ),
  "serviceaccount.IAMMember": (bodies, args) =>
    bind(
      bodies,
      `https://iam.googleapis.com/v1/${args.serviceAccountId}:getIamPolicy?${QUERY}`,
      args,
    ),
  "cloudrunv2.ServiceIamMember": (bodies, args) => {
    const name = `projects/${project}/locations/${args.location}/services/${args.name}`;
    bind(bodies, `https://run.googleapis.com/v2/${name}:getIamPolicy?${QUERY}`, args);
  },
};

const BATCH_URL = `https://serviceusage.googleapis.com/v1/projects/${projectNumber}/services:batchGet`;
