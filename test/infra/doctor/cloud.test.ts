import { namesOf } from "../../../infra/deploy/names.ts";
import { POLICY_ROWS } from "../../../infra/doctor/cloud/policies.ts";
import { RESOURCE_ROWS } from "../../../infra/doctor/cloud/resources.ts";
import { DEPLOYED, deployedPlan } from "../../support/deployment.ts";
import { googleProject } from "../../support/google-project.ts";
import type { Body } from "../../support/google-resources.ts";
import { foundIn, wrongAfter } from "./found.ts";

const plan = deployedPlan();
const names = namesOf(DEPLOYED);

test("a project that is as the tables have it has no fault, and nothing in it is changed", async () => {
  const google = googleProject();
  const findings = await foundIn(google);
  expect(findings.filter(({ state }) => state !== "ok")).toEqual([]);
  expect(findings.every(({ remedy }) => remedy === null)).toBe(true);
  const posts = google.calls.filter(({ method }) => method === "POST");
  expect(posts.filter(({ url }) => !url.includes(":getIamPolicy"))).toEqual([]);
});

test("every resource of the plan is looked at", async () => {
  const known = [...RESOURCE_ROWS.map(({ type }) => type), ...Object.keys(POLICY_ROWS)];
  const types = new Set(plan.map(({ type }) => type));
  expect([...types].filter((type) => !known.includes(type))).toEqual(["projects.Service"]);
  expect(known.filter((type) => !types.has(type))).toEqual([]);
});

test("whatever is not there is a fault with what mends it", async () => {
  const { bodies } = googleProject();
  for (const url of bodies.keys()) {
    const [first] = await wrongAfter((google) => google.remove(url));
    expect([url, first]).toEqual([
      url,
      {
        check: expect.any(String),
        // What Google does not tell keeps nothing from working.
        state: url.endsWith("consumerQuotaMetrics") ? "warning" : "fault",
        found: expect.any(String),
        remedy: expect.stringMatching(/./),
      },
    ]);
  }
});

test.each<[string, string, (body: Body) => void, RegExp, RegExp]>([
  [
    "an API that is off",
    `services/telemetry.googleapis.com`,
    ({ services }) => Object.assign(services[2], { state: "DISABLED" }),
    /^off: cloudbuild\.googleapis\.com$/,
    /^gcloud services enable cloudbuild\.googleapis\.com --project my-project$/,
  ],
  [
    "an account that is disabled",
    `runyard-build@my-project.iam.gserviceaccount.com`,
    (body) => Object.assign(body, { disabled: true }),
    /account-build: disabled is true, not false/,
    /^npx runyard deploy$/,
  ],
  [
    "a role with a permission more",
    "roles/runyard.worker",
    ({ includedPermissions }) => includedPermissions.push("storage.objects.list"),
    /role-runyard\.worker: includedPermissions has "storage\.objects\.list" as well/,
    /^npx runyard deploy$/,
  ],
  [
    "a role with a permission less",
    "roles/runyard.worker",
    ({ includedPermissions }) => includedPermissions.pop(),
    /includedPermissions lacks "storage\.objects\.create"/,
    /deploy/,
  ],
  [
    "a database elsewhere",
    "databases/(default)",
    (body) => Object.assign(body, { locationId: "eur3" }),
    /locationId is "eur3", not "us-central1"/,
    /deploy/,
  ],
  [
    "an index that is being built",
    "collectionGroups/-/indexes",
    ({ indexes }) => Object.assign(indexes[0], { state: "CREATING" }),
    /^index-runs-owner-.*: state is "CREATING", not "READY"$/,
    /^gcloud firestore operations list --project my-project$/,
  ],
  [
    "an index in another order",
    "collectionGroups/-/indexes",
    ({ indexes }) => Object.assign(indexes[0].fields[0], { order: "DESCENDING" }),
    /^index-runs-owner-.* is not there$/,
    /deploy/,
  ],
  [
    "events that do not expire",
    "collectionGroups/events/fields/expireAt",
    (body) => delete body.ttlConfig,
    /field-events-expireAt: ttlConfig\.state is absent, not "ACTIVE"/,
    /deploy/,
  ],
  [
    "a field that is indexed although it is exempt",
    "collectionGroups/keys/fields/*",
    (body) => Object.assign(body.indexConfig, { usesAncestorConfig: true }),
    /field-keys-all: indexConfig\.usesAncestorConfig is true/,
    /deploy/,
  ],
  [
    "other rules",
    "rulesets/1",
    ({ source }) => Object.assign(source.files[0], { content: "allow all" }),
    /rules: source\.files\[firestore\.rules\]\.content is "allow all"/,
    /deploy/,
  ],
  [
    "a bucket that may be made public",
    names.dataBucket,
    ({ iamConfiguration }) =>
      Object.assign(iamConfiguration, { publicAccessPrevention: "inherited" }),
    /publicAccessPrevention is "inherited", not "enforced"/,
    /deploy/,
  ],
  [
    "outputs that are kept for longer",
    names.dataBucket,
    ({ lifecycle }) => Object.assign(lifecycle.rule[4].condition, { age: 900 }),
    /lifecycle\.rule\[4\]\.condition\.age is 900, not 90/,
    /deploy/,
  ],
  [
    "another image",
    "services/runyard-sweep",
    ({ template }) => Object.assign(template.containers[0], { image: "other" }),
    /service-sweep: .*image is "other", not "us-docker/,
    /deploy/,
  ],
  [
    "a variable that was changed by hand",
    "services/runyard-api",
    ({ template }) => Object.assign(template.containers[0].env.at(-1), { value: "elsewhere" }),
    /service-api: .*env\[\w+\]\.value is "elsewhere"/,
    /deploy/,
  ],
  [
    "a function that anybody reaches",
    "services/runyard-sweep",
    (body) => Object.assign(body, { ingress: "INGRESS_TRAFFIC_ALL" }),
    /service-sweep: ingress is "INGRESS_TRAFFIC_ALL"/,
    /deploy/,
  ],
  [
    "a revision that does not start",
    "services/runyard-api",
    ({ terminalCondition }) => Object.assign(terminalCondition, { state: "CONDITION_FAILED" }),
    /terminalCondition\.state is "CONDITION_FAILED"/,
    /deploy/,
  ],
  [
    "a deadline that is Google's default",
    "subscriptions/run-requests",
    (body) => Object.assign(body, { ackDeadlineSeconds: 10 }),
    /subscription-run-requests: ackDeadlineSeconds is 10, not 60/,
    /deploy/,
  ],
  [
    "a subscription that expires",
    "subscriptions/run-requests",
    (body) => Object.assign(body, { expirationPolicy: { ttl: "2678400s" } }),
    /expirationPolicy\.ttl is "2678400s"/,
    /deploy/,
  ],
  [
    "no dead letters",
    "subscriptions/cloud-builds",
    (body) => delete body.deadLetterPolicy,
    /deadLetterPolicy is absent, not \{"deadLetterTopic":/,
    /deploy/,
  ],
  [
    "pushes to an old address",
    "subscriptions/cloud-builds",
    ({ pushConfig }) => Object.assign(pushConfig, { pushEndpoint: "https://old.run.app/" }),
    /pushConfig\.pushEndpoint is "https:\/\/old/,
    /deploy/,
  ],
  [
    "a clock that is paused",
    "jobs/runyard-sweep",
    (body) => Object.assign(body, { state: "PAUSED" }),
    /clock: state is "PAUSED", not "ENABLED"/,
    /deploy/,
  ],
  [
    "a clock whose calls are refused",
    "jobs/runyard-sweep",
    (body) => Object.assign(body, { status: { code: 7 } }),
    /clock: status\.code is 7, not 0/,
    /deploy/,
  ],
  [
    "an alert that is turned off",
    "alertPolicies",
    ({ alertPolicies }) => Object.assign(alertPolicies[0], { enabled: false }),
    /alert-messages-wait-too-long: enabled is false, not true/,
    /deploy/,
  ],
  [
    "a key of the model that is disabled",
    "anthropic-api-key/versions/latest",
    (body) => Object.assign(body, { state: "DISABLED" }),
    /latest version of .*anthropic-api-key is DISABLED/,
    /^gcloud secrets versions add anthropic-api-key --project my-project --data-file=FILE$/,
  ],
  [
    "a key that seals and is disabled",
    "runyard-seal-keys/versions/latest",
    (body) => Object.assign(body, { state: "DISABLED" }),
    /latest version of .*runyard-seal-keys is DISABLED/,
    /deploy/,
  ],
  [
    "more slots than the quota",
    "documents/targets",
    ({ documents }) => {
      documents[0].fields.slots.mapValue.fields.E2_MEDIUM = { integerValue: "14" };
    },
    /us-central1: the targets run builds on 30 CPUs at once, of a quota of 20/,
    /^npx runyard capacity set default E2_STANDARD_2=4 E2_MEDIUM=8 --project my-project$/,
  ],
  [
    "no slots of the machine that a run gets",
    "documents/targets",
    ({ documents }) => {
      documents[0].fields.slots.mapValue.fields = { E2_MEDIUM: { integerValue: "1" } };
    },
    /no target has slots of E2_STANDARD_2/,
    /^npx runyard capacity set default E2_STANDARD_2=1 --project my-project$/,
  ],
])("%s is named with its remedy", async (_what, ...[ending, change, line, remedy]) => {
  const wrong = await wrongAfter((google) => google.change(ending, change));
  expect(wrong).toEqual([
    {
      check: expect.any(String),
      state: "fault",
      found: expect.stringMatching(line),
      remedy: expect.stringMatching(remedy),
    },
  ]);
});
