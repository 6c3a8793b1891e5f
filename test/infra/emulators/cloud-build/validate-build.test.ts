import type { BuildStep, RequestedBuild } from "../../../../infra/emulators/cloud-build/build.ts";
import { goDuration } from "../../../../infra/emulators/cloud-build/invalid.ts";
import {
  checkBuild,
  checkSubstituted,
} from "../../../../infra/emulators/cloud-build/validate-build.ts";

const STEP: BuildStep = { name: "ubuntu" };
const SECRETS = { secretManager: [{ versionName: "projects/p/secrets/s/versions/1", env: "S" }] };
const OBJECTS = { location: "gs://b/", paths: ["x"] };
const many = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);

/** A build of one step with these fields. */
const step = (fields: Partial<BuildStep>): RequestedBuild => ({ steps: [{ ...STEP, ...fields }] });
/** A valid build with these fields. */
const build = (fields: RequestedBuild): RequestedBuild => ({ steps: [STEP], ...fields });

const ACCOUNT = "projects/p/serviceAccounts/a@p.iam.gserviceaccount.com";
const ACCOUNT_TEXT =
  "generic::invalid_argument: if 'build.service_account' is specified, the build must either (a) specify 'build.logs_bucket', (b) use the REGIONAL_USER_OWNED_BUCKET build.options.default_logs_bucket_behavior option, or (c) use either CLOUD_LOGGING_ONLY / NONE logging options";

test.each<[string, RequestedBuild, string]>([
  ["no steps", { steps: [] }, "'build.steps': no build steps are specified"],
  ["301 steps", { steps: many(301, STEP) }, "cannot specify more than 300 build steps"],
  ["no name", { steps: [{ name: "" }] }, "build step 0 must specify name"],
  ["long name", step({ name: "x".repeat(1001) }), "build step 0 name too long (max: 1000)"],
  ["101 args", step({ args: many(101, "x") }), "build step 0 too many args (max: 100)"],
  ["long arg", step({ args: ["x", "y".repeat(10_001)] }), "arg 1 too long (max: 10000)"],
  ["NUL in arg", step({ args: ["\0"] }), "build step 0 arg 0 contains a NUL character"],
  ["long dir", step({ dir: "x".repeat(1001) }), "build step 0 dir too long (max: 1000)"],
  ["env form", step({ env: ["KEY"] }), 'the Env entry "KEY" must be of the form "KEY=VALUE"'],
  ["101 envs", step({ env: many(101, "A=b") }), "too many envs (max: 100)"],
  ["long env", step({ env: [`A=${"x".repeat(1000)}`] }), "env 0 too long (max: 1000)"],
  ["global env form", build({ options: { env: ["K"] } }), "'build.options.env': the Env entry"],
  [
    "unknown wait",
    step({ id: "a", waitFor: ["b"] }),
    'build step #0 - "a" depends on "b", which has not been defined',
  ],
  [
    "wait for itself",
    step({ id: "a", waitFor: ["a"] }),
    'depends on "a", which has not been defined',
  ],
  ["id -", step({ id: "-" }), 'the ID cannot be "-"'],
  [
    "same id",
    {
      steps: [
        { ...STEP, id: "a" },
        { ...STEP, id: "a" },
      ],
    },
    'build step #1 - "a": the ID is not unique',
  ],
  [
    "script and args",
    step({ script: "x", args: ["y"] }),
    "script cannot be specified together with",
  ],
  ["script and entrypoint", step({ script: "x", entrypoint: "y" }), "script cannot be specified"],
  ["exit code 256", step({ allowExitCodes: [256] }), "exit code 256 must be between 0 and 255"],
  [
    "long timeout",
    build({ timeout: { seconds: "86401" } }),
    "timeout exceeds the timeout limit of 24h0m0s",
  ],
  ["negative timeout", build({ timeout: { seconds: "-1" } }), "timeout must be >=0"],
  ["negative queueTtl", build({ queueTtl: { seconds: "-1" } }), "'build.queue_ttl'"],
  [
    "step beyond build",
    { steps: [STEP, { ...STEP, timeout: { seconds: "1201" } }], timeout: { seconds: "1200" } },
    "generic::invalid_argument: invalid value for 'build.steps[1].timeout': value must be less than or equal to build timeout value of \"20m0s\"",
  ],
  ["step timeout < 0", step({ timeout: { seconds: "-1" } }), "build step timeout must be >0"],
  [
    "key form",
    build({ substitutions: { lower: "x" } }),
    'substitution key "lower" does not respect format',
  ],
  [
    "reserved key",
    build({ substitutions: { PROJECT_ID: "x" } }),
    'substitution key "PROJECT_ID" does not',
  ],
  ["long key", build({ substitutions: { [`_${"A".repeat(100)}`]: "x" } }), "too long (max: 100)"],
  ["long value", build({ substitutions: { _A: "x".repeat(4001) } }), "too long (max: 4000)"],
  [
    "missing key",
    step({ args: ["$_A"] }),
    'key in the template "_A" is not matched in the substitution data; substitutions = map[]',
  ],
  [
    "unused key",
    build({ substitutions: { _A: "x" } }),
    'key "_A" in the substitution data is not matched in the template',
  ],
  [
    "unknown built-in",
    step({ env: [`A=\${HOME}`] }),
    "generic::invalid_argument: invalid value for 'build.substitutions': key in the template \"HOME\" is not a valid built-in substitution",
  ],
  [
    "unknown built-in, loose",
    { steps: [{ ...STEP, args: ["$HOME"] }], options: { substitutionOption: "ALLOW_LOOSE" } },
    'key in the template "HOME" is not a valid built-in substitution',
  ],
  [
    "no bucket",
    build({ source: { storageSource: { object: "a.tar.gz" } } }),
    "bucket must be specified",
  ],
  ["no object", build({ source: { storageSource: { bucket: "b" } } }), "object must be specified"],
  [
    "no archive",
    build({ source: { storageSource: { bucket: "b", object: "a.tar" } } }),
    "must be a zipped (.zip) or gzipped archive (.tar.gz)",
  ],
  [
    "location form",
    build({ artifacts: { objects: { ...OBJECTS, location: "b/" } } }),
    "Google Cloud Storage URLs must begin with 'gs://'",
  ],
  [
    "no location",
    build({ artifacts: { objects: { paths: ["x"] } } }),
    ".artifacts.location field is empty",
  ],
  [
    "no paths",
    build({ artifacts: { objects: { ...OBJECTS, paths: [] } } }),
    ".artifacts.paths field empty",
  ],
  [
    "space in path",
    build({ artifacts: { objects: { ...OBJECTS, paths: ["a b"] } } }),
    '.artifacts.paths "a b" contains whitespace',
  ],
  [
    "same path",
    build({ artifacts: { objects: { ...OBJECTS, paths: ["a", "a"] } } }),
    "remove duplicates [a]",
  ],
  [
    "101 paths",
    build({ artifacts: { objects: { ...OBJECTS, paths: many(101, "a") } } }),
    "has length 101",
  ],
  [
    "other images",
    build({ images: ["a"], artifacts: { images: ["b"] } }),
    "cannot specify different",
  ],
  ["unknown secret", step({ secretEnv: ["S"] }), 'secretEnv "S" is used without being defined'],
  [
    "unused secret",
    build({ availableSecrets: SECRETS }),
    'secretEnv "S" is defined without being used',
  ],
  [
    "secret twice",
    build({ availableSecrets: { secretManager: many(2, SECRETS.secretManager[0] ?? {}) } }),
    'secretEnv "S" is defined more than once',
  ],
  [
    "secret's name",
    build({ availableSecrets: { secretManager: [{ versionName: "s", env: "S" }] } }),
    'secret version name "s" must match format',
  ],
  [
    "secret and env",
    { steps: [{ ...STEP, secretEnv: ["S"], env: ["S=x"] }], availableSecrets: SECRETS },
    'step 0 has secret and non-secret env "S"',
  ],
  [
    "global secret again",
    {
      steps: [{ ...STEP, secretEnv: ["S"] }],
      options: { secretEnv: ["S"] },
      availableSecrets: SECRETS,
    },
    'Step 0 uses the global secretEnv "S"',
  ],
  ["account without logging", build({ serviceAccount: ACCOUNT }), ACCOUNT_TEXT],
  ["disk", build({ options: { diskSizeGb: "4001" } }), "'build.options.disk_size_gb'"],
])("%s is refused", (_title, request, text) => {
  expect(() => checkBuild(request)).toThrow(text);
  expect(() => checkBuild(request)).toThrow(
    expect.objectContaining({ status: "INVALID_ARGUMENT" }),
  );
});

test.each<[string, RequestedBuild]>([
  ["the smallest build", { steps: [STEP] }],
  ["everything at its limit", { steps: many(300, STEP), timeout: { seconds: "86400" } }],
  ["an arg at its limit", step({ args: many(100, "x".repeat(10_000)) })],
  [
    "a step as long as the build",
    { steps: [{ ...STEP, timeout: { seconds: "9" } }], timeout: { seconds: "9" } },
  ],
  [
    "loose substitutions",
    {
      steps: [{ ...STEP, args: ["$_A"] }],
      substitutions: { _B: "" },
      options: { substitutionOption: "ALLOW_LOOSE" },
    },
  ],
  [
    "an overridden built-in",
    { steps: [{ ...STEP, args: ["$COMMIT_SHA"] }], substitutions: { COMMIT_SHA: "x" } },
  ],
  [
    "automapped substitutions",
    { steps: [{ ...STEP, automapSubstitutions: true }], substitutions: { _B: "" } },
  ],
  ["a script with upper-case variables", step({ script: "echo $HOME" })],
  ["a user's shell expansion", step({ args: [`\${HOME:-x} $(pwd) $$HOME`] })],
  ["an account with a logs bucket", build({ serviceAccount: ACCOUNT, logsBucket: "gs://b" })],
  ["an account without logs", build({ serviceAccount: ACCOUNT, options: { logging: "NONE" } })],
  [
    "an account with Cloud Logging",
    build({ serviceAccount: ACCOUNT, options: { logging: "CLOUD_LOGGING_ONLY" } }),
  ],
  [
    "an account with a regional bucket",
    build({
      serviceAccount: ACCOUNT,
      options: { defaultLogsBucketBehavior: "REGIONAL_USER_OWNED_BUCKET" },
    }),
  ],
  ["a .tgz source", build({ source: { storageSource: { bucket: "b", object: "a.tgz" } } })],
  ["a used secret", { steps: [{ ...STEP, secretEnv: ["S"] }], availableSecrets: SECRETS }],
])("%s is accepted", (_title, request) => {
  expect(() => checkBuild(request)).not.toThrow();
});

test.each<[string, object]>([
  ["source.repoSource", { source: { repoSource: { repoName: "r" } } }],
  ["options.pool", { options: { pool: { name: "x" } } }],
  ["options.dynamicSubstitutions", { options: { dynamicSubstitutions: true } }],
  ["steps[0].volumes", { steps: [{ ...STEP, volumes: [{ name: "v", path: "/v" }] }] }],
  ["availableSecrets.inline", { availableSecrets: { inline: [{}] } }],
  ["secrets", { secrets: [{}] }],
])("%s is UNIMPLEMENTED, by name", (field, fields) => {
  const request = { steps: [STEP], ...fields } as RequestedBuild;
  expect(() => checkBuild(request)).toThrow(`the stand-in does not implement build.${field}`);
});

test.each<[string, string[], string[] | string]>([
  ["empty and repeated ones are dropped", ["a", "", "b", "a"], ["a", "b"]],
  [
    "64 are accepted",
    Array.from({ length: 64 }, (_, i) => `t${i}`),
    Array.from({ length: 64 }, (_, i) => `t${i}`),
  ],
  [
    "65 are too many",
    Array.from({ length: 65 }, (_, i) => `t${i}`),
    "number of tags 65 exceeded (max: 64)",
  ],
  ["128 characters are accepted", ["x".repeat(128)], ["x".repeat(128)]],
  ["129 are not", ["x".repeat(129)], "invalid build tag"],
  ["spaces are not", ["a b"], 'invalid build tag "a b"'],
  ["a dot may not come first", [".a"], 'invalid build tag ".a"'],
  ["dots and dashes may follow", ["a.b-c_d"], ["a.b-c_d"]],
  ["a newline at the end is not", ["a\n"], "invalid build tag"],
])("tags: %s", (_title, tags, expected) => {
  const check = () => checkSubstituted({ steps: [STEP], tags });
  if (typeof expected === "string") expect(check).toThrow(expected);
  else expect(check()).toEqual(expected);
});

test.each([
  ["ubuntu", true],
  ["gcr.io/cloud-builders/docker", true],
  ["localhost:5000/a/b:tag", true],
  [`us-docker.pkg.dev/p/r/i:v1@sha256:${"0".repeat(64)}`, true],
  ["Ubuntu", false],
  ["a b", false],
  ["a:", false],
])("step name %s is valid: %s", (name, isValid) => {
  const check = () => checkSubstituted({ steps: [{ name }] });
  if (isValid) expect(check).not.toThrow();
  else expect(check).toThrow(`invalid build step name "${name}"`);
});

test.each([
  [1_000, "1s"],
  [1_500, "1.5s"],
  [61_000, "1m1s"],
  [1_200_000, "20m0s"],
  [86_400_000, "24h0m0s"],
])("%d ms is %s in Go", (ms, text) => {
  expect(goDuration(ms)).toBe(text);
});
