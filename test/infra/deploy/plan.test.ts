import { readFileSync } from "node:fs";
import { readConfig } from "../../../functions/config.ts";
import { grantsOf } from "../../../infra/deploy/access/given.ts";
import { GRANTS } from "../../../infra/deploy/access/grants.ts";
import { METHODS } from "../../../infra/deploy/access/needs.ts";
import { FUNCTIONS, namesOf, PUBLIC } from "../../../infra/deploy/names.ts";
import { keptOf, planOf } from "../../../infra/deploy/plan/plan.ts";
import { environmentOf } from "../../../infra/deploy/plan/services.ts";
import { planText } from "../../../infra/deploy/show-plan.ts";
import { DEPLOYED, deployedPlan } from "../../support/deployment.ts";
import { faultsOf, type Made } from "../../support/graph-faults.ts";

const plan = deployedPlan();
const names = namesOf(DEPLOYED);
const made = () => plan.map((resource) => structuredClone(resource)) as unknown as Made[];

/** The graph with one resource changed. */
function changed(name: string, change: (args: Record<string, unknown>) => void): Made[] {
  const graph = made();
  const found = graph.find((resource) => resource.name === name);
  if (found === undefined) throw new Error(`no ${name}`);
  change(found.args);
  return graph;
}

test("the graph is what the tables say", () => {
  expect(faultsOf(made())).toEqual([]);
});

const EXTRA: Made = {
  name: "extra",
  type: "projects.IAMMember",
  args: { project: DEPLOYED.project, role: "roles/editor", member: "allAuthenticatedUsers" },
};

test.each<[string, () => Made[], RegExp]>([
  [
    "a grant that no row has",
    () => [...made(), EXTRA],
    /no row .*allAuthenticatedUsers roles\/editor/,
  ],
  [
    "a grant that is missing",
    () => made().filter(({ name }) => !name.includes("runyard.builds-on-project")),
    /not made: .*runyard\.builds/,
  ],
  [
    "a grant on more than its row says",
    () => changed("grant-build-runyard.worker-on-dataBucket", (args) => delete args["condition"]),
    /no row .*runyard\.worker/,
  ],
  [
    "no backoff",
    () => changed("subscription-run-requests", (args) => delete args["retryPolicy"]),
    /its backoff/,
  ],
  [
    "no dead letters",
    () => changed("subscription-cloud-builds", (args) => delete args["deadLetterPolicy"]),
    /its dead letters/,
  ],
  [
    "another deadline",
    () =>
      changed("subscription-run-requests", (args) =>
        Object.assign(args, { ackDeadlineSeconds: 10 }),
      ),
    /its deadline/,
  ],
  [
    "a subscription that expires",
    () => changed("subscription-run-requests", (args) => delete args["expirationPolicy"]),
    /it expires/,
  ],
  [
    "pushes without a token",
    () => changed("subscription-run-requests", (args) => Object.assign(args, { pushConfig: {} })),
    /its token/,
  ],
  [
    "a bucket that may be public",
    () => changed("bucket-data", (args) => delete args["publicAccessPrevention"]),
    /may be made public/,
  ],
  [
    "a function that anybody reaches",
    () =>
      changed("service-sweep", (args) => Object.assign(args, { ingress: "INGRESS_TRAFFIC_ALL" })),
    /anybody reaches it/,
  ],
])("the graph with %s is refused", (_what, graph, fault) => {
  const faults = faultsOf(graph());
  expect(faults.join("\n")).toMatch(fault);
});

test("anybody may call the api and what takes hooks, and nothing else", () => {
  expect(GRANTS.filter(({ principal }) => principal === "anybody").map(({ on }) => on)).toEqual([
    { kind: "service", service: "receiveHook" },
    { kind: "service", service: "api" },
  ]);
});

test("a build's account lists nothing, publishes nothing and reads no document", () => {
  const permissions = GRANTS.filter(({ principal }) => principal === "build").flatMap(
    ({ role }) => role.permissions,
  );
  expect(permissions.filter((name) => /list|publish|datastore|cloudbuild/.test(name))).toEqual([]);
});

test("each method and each grant for Google's own calls has Google's page", () => {
  const pages = [
    ...Object.values(METHODS).map(({ page }) => page),
    ...grantsOf(DEPLOYED).flatMap(({ googles }) => googles ?? []),
  ];
  expect(pages.filter((page) => !page.startsWith("https://cloud.google.com/"))).toEqual([]);
});

test.each(FUNCTIONS)("%s takes the variables that its service has, and who calls it", (name) => {
  const environment = environmentOf({ settings: DEPLOYED, names }, name);
  const config = readConfig({ ...environment, K_SERVICE: "runyard" });
  expect(config).toMatchObject({
    functionTarget: name,
    bucket: names.dataBucket,
    mostWaiting: 500,
    telemetry: { traces: "google", metrics: "google" },
    builds: { serviceAccount: names.accountName("build"), location: DEPLOYED.buildRegion },
  });
  expect(config.triggerAuth?.audiences).toEqual(
    PUBLIC.includes(name) ? undefined : [names.urlOf(name)],
  );
});

test("who is told nothing needs no service, no role and no variable for it", () => {
  const untold = { ...DEPLOYED, telemetry: false };
  const telling = (text: string) => /telemetry|OTEL_/.test(text);
  expect(planOf(untold).filter((resource) => telling(JSON.stringify(resource)))).toEqual([]);
  const charts = (resources: typeof plan) =>
    resources.filter(({ args }) => JSON.stringify(args).includes("runyard.runs.waiting/gauge"));
  expect([planOf(untold), plan].map((each) => charts(each).map(({ name }) => name))).toEqual([
    [],
    ["dashboard"],
  ]);
  const told = plan.filter((resource) => telling(JSON.stringify(resource)));
  expect(told.map(({ type }) => type).toSorted()).toEqual([
    ...FUNCTIONS.map(() => "cloudrunv2.Service"),
    ...FUNCTIONS.flatMap(() => ["projects.IAMMember", "projects.IAMMember"]),
    "projects.Service",
  ]);
});

test("every index, exemption and expiry of firestore.indexes.json is made", () => {
  const file = JSON.parse(readFileSync("firestore.indexes.json", "utf8"));
  const fields = plan.filter(({ type }) => type === "firestore.Field");
  expect(plan.filter(({ type }) => type === "firestore.Index")).toHaveLength(file.indexes.length);
  expect(fields).toHaveLength(file.fieldOverrides.length);
  const expiring = fields.filter(({ args }) => args["ttlConfig"] !== undefined);
  expect(expiring.map(({ args }) => args["collection"])).toEqual(
    file.fieldOverrides
      .filter(({ ttl }: { ttl?: boolean }) => ttl)
      .map(({ collectionGroup }: { collectionGroup: string }) => collectionGroup),
  );
});

test("a revision is there only when every index that it asks by is", () => {
  const indexes = plan.filter(({ type }) => type === "firestore.Index").map(({ name }) => name);
  expect(indexes).toContain("index-runState-shard-dueAt");
  for (const { after } of plan.filter(({ type }) => type === "cloudrunv2.Service")) {
    expect(after).toEqual(expect.arrayContaining(indexes));
  }
});

test("what holds data stays with what it needs, and nothing else does", () => {
  const kept = keptOf(plan).map(({ name }) => name);
  expect(kept.filter((name) => !name.startsWith("api-")).sort()).toEqual(
    ["bucket-data", "bucket-logs", "database", "images", "model-key"].sort(),
  );
  expect(kept).toContain("api-firestore");
});

test("the plan is shown whole: each resource, each grant with its reason, and the cost", () => {
  const text = planText(DEPLOYED, plan);
  for (const { name } of plan) expect(text).toContain(name);
  for (const { why } of grantsOf(DEPLOYED)) expect(text).toContain(why);
  expect(text).toMatch(/Idle: about \d+\.\d\d USD a month/);
  expect(text).toMatch(/A thousand runs: about/);
});
