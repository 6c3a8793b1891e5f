import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkEnvironment } from "../../../infra/deploy/environment.ts";
import { readSettings, variableOf } from "../../../infra/deploy/settings.ts";
import { resolveAgent } from "../../../shared/agent/settings.ts";

const image = `us-docker.pkg.dev/p/runyard/x@sha256:${"0".repeat(64)}`;
const GOOD = { project: "my-project", image, runnerImage: image };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "settings-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function settingsOf(content: unknown, env: Record<string, string> = {}) {
  const file = join(folder, "settings.json");
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return readSettings(file, env);
}

test("three settings are enough; the others have defaults", () => {
  expect(settingsOf(GOOD)).toEqual({
    ...GOOD,
    region: "us-central1",
    buildRegion: "us-central1",
    modelKeySecret: "anthropic-api-key",
    slots: { E2_STANDARD_2: 10 },
    logDays: 30,
    alertEmails: [],
    minInstances: 0,
    telemetry: false,
    environment: {},
  });
});

test("a run that names no machine has slots unless the settings say otherwise", () => {
  expect(settingsOf(GOOD).slots[resolveAgent().machineType]).toBeGreaterThan(0);
});

test("a variable stands over the file; builds are where the services are", () => {
  const env = { RUNYARD_DEPLOY_REGION: "europe-west1", RUNYARD_DEPLOY_SLOTS: '{"E2_MEDIUM": 3}' };
  expect(settingsOf({ ...GOOD, region: "us-east1" }, env)).toMatchObject({
    region: "europe-west1",
    buildRegion: "europe-west1",
    slots: { E2_MEDIUM: 3 },
  });
});

test.each<[string, unknown, RegExp]>([
  [
    "one is missing",
    { ...GOOD, image: undefined },
    /setting image is missing: pinned by its digest/,
  ],
  [
    "an image has a tag alone",
    { ...GOOD, runnerImage: "us-docker.pkg.dev/p/runyard/x:latest" },
    /setting runnerImage is not as it must be: pinned.* as RUNYARD_DEPLOY_RUNNER_IMAGE/,
  ],
  ["a region is none", { ...GOOD, region: "home" }, /setting region is not as it must be/],
  [
    "one is not known",
    { ...GOOD, regoin: "us-east1" },
    /no setting regoin; the settings are project/,
  ],
  ["a variable is none of ours", { ...GOOD, environment: { PATH: "/" } }, /setting environment is/],
  ["a budget has no account", { ...GOOD, monthlyBudgetUsd: 5 }, /said together/],
  ["it is no JSON", "{", /must be one JSON object/],
  ["it is a list", [], /must be one JSON object/],
])("says what is wrong and what mends it where %s", (_what, content, message) => {
  expect(() => settingsOf(content)).toThrow(message);
});

test.each([
  ["RUNYARD_MAX_WAITING", "many", /setting environment: RUNYARD_MAX_WAITING is many, and must be/],
  ["RUNYARD_BUCKET", "other", /setting environment: RUNYARD_BUCKET is set by the stack/],
  ["RUNYARD_MAX_WAITNG", "5", /setting environment: RUNYARD_MAX_WAITNG is no variable/],
])("a variable that the functions would not take is refused before: %s", (name, value, message) => {
  const settings = settingsOf({ ...GOOD, environment: { [name]: value } });
  expect(() => checkEnvironment(settings)).toThrow(message);
});

test("a file that is named must be there", () => {
  expect(() => readSettings(join(folder, "none.json"), {})).toThrow(/none\.json cannot be read/);
});

test("docs/deploy.md has each setting with its variable", () => {
  const text = readFileSync(join(import.meta.dirname, "../../../docs/deploy.md"), "utf8");
  const listed = [...text.matchAll(/^\| `(\w+)` \|/gm)].map(([, name = ""]) => name);
  expect(listed.sort()).toEqual(
    [
      ...["project", "projectNumber", "region", "buildRegion", "image", "runnerImage"],
      ...["modelKeySecret", "slots", "outputDays", "logDays", "retention", "alertEmails"],
      ...["billingAccount", "monthlyBudgetUsd", "minInstances", "telemetry", "environment"],
      "githubKeySecret",
      "githubHookKeySecret",
    ].sort(),
  );
  expect(text).toContain(variableOf("buildRegion"));
});
