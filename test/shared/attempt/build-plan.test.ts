import { MACHINE_TYPES } from "../../../shared/agent/settings.ts";
import {
  attemptOfTags,
  type BuildSettings,
  buildPlan,
  type PlannedAttempt,
} from "../../../shared/attempt/build-plan.ts";
import { buildTimeoutSeconds, RUN_LIMITS } from "../../../shared/limits.ts";

const SETTINGS: BuildSettings = {
  projectId: "p",
  location: "us-central1",
  image: "us-docker.pkg.dev/p/runyard/agent@sha256:0",
  serviceAccount: "projects/p/serviceAccounts/agent@p.iam.gserviceaccount.com",
  logsBucket: "gs://p-runyard",
  modelKeySecret: "projects/p/secrets/key/versions/1",
};
const RUN_ID = `run_${"aB3".repeat(7)}x`;

function planned(overrides: Partial<PlannedAttempt> = {}): PlannedAttempt {
  return {
    runId: RUN_ID,
    attempt: 3,
    slot: "default.E2_STANDARD_2.0",
    agent: { timeoutSeconds: 300, machineType: "E2_STANDARD_2" },
    input: { bucket: "b", object: "attempts/x/input-2.tar.gz", generation: "1767323045000000" },
    trace: null,
    ...overrides,
  };
}

describe("the build plan", () => {
  const plan = buildPlan(SETTINGS, planned());

  test("pins its source by generation, as an archive that Cloud Build takes", () => {
    expect(plan.source.storageSource).toEqual(planned().input);
    expect(plan.source.storageSource.object).toMatch(/\.(zip|tar\.gz)$/);
  });

  test("always sets service account with a logging choice, timeout, queue limit and machine", () => {
    expect(plan).toMatchObject({
      serviceAccount: SETTINGS.serviceAccount,
      logsBucket: SETTINGS.logsBucket,
      timeout: { seconds: buildTimeoutSeconds(300) },
      queueTtl: { seconds: 600 },
      options: { logging: "GCS_ONLY", machineType: "E2_STANDARD_2" },
    });
  });

  test("has one step whose arguments and variables are constants", () => {
    const other = buildPlan(SETTINGS, planned({ runId: `run_${"z".repeat(22)}`, attempt: 1 }));
    expect(other.steps).toEqual(plan.steps);
    expect(plan.steps).toHaveLength(1);
  });

  test("says where in the run's trace it goes on, if anywhere", () => {
    const trace = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";
    const traced = buildPlan(SETTINGS, planned({ trace }));
    expect(traced.steps[0]?.env).toEqual(["BUILD_ID=$BUILD_ID", `TRACEPARENT=${trace}`]);
    expect(plan.steps[0]?.env).toEqual(["BUILD_ID=$BUILD_ID"]);
  });

  test("holds no $ but the one template that is meant", () => {
    const texts = JSON.stringify(plan).match(/\$[^"]*/g);
    expect(texts).toEqual(["$BUILD_ID"]);
  });

  test("declares every secret variable that its step uses, and no other", () => {
    const declared = plan.availableSecrets.secretManager.map(({ env }) => env);
    expect(plan.steps.flatMap(({ secretEnv }) => secretEnv)).toEqual(declared);
  });

  test("passes an agent's variables and its repository's credential from their secrets, under names that touch nothing of the runner's", () => {
    const environment = {
      GITHUB_TOKEN: { secret: "projects/p/secrets/runyard-github/versions/7" },
      PATH: { secret: "projects/p/secrets/runyard-path/versions/latest" },
    };
    const credential = { secret: "projects/p/secrets/runyard-git/versions/latest" };
    const repository = { url: "https://git.example/r", credential };
    const agent = {
      timeoutSeconds: 60,
      machineType: "E2_MEDIUM" as const,
      environment,
      repository,
    };
    const { availableSecrets, steps } = buildPlan(SETTINGS, planned({ agent }));
    expect(availableSecrets.secretManager).toEqual([
      { versionName: SETTINGS.modelKeySecret, env: "ANTHROPIC_API_KEY" },
      { versionName: environment.GITHUB_TOKEN.secret, env: "RUNYARD_ENV_GITHUB_TOKEN" },
      { versionName: environment.PATH.secret, env: "RUNYARD_ENV_PATH" },
      { versionName: credential.secret, env: "RUNYARD_REPOSITORY_CREDENTIAL" },
    ]);
    expect(steps[0]?.secretEnv).toEqual([
      "ANTHROPIC_API_KEY",
      "RUNYARD_ENV_GITHUB_TOKEN",
      "RUNYARD_ENV_PATH",
      "RUNYARD_REPOSITORY_CREDENTIAL",
    ]);
    expect(steps[0]?.env).toEqual(["BUILD_ID=$BUILD_ID"]);
  });

  test("passes each of several repositories' credentials under its place in the list", () => {
    const credential = (at: number) => ({ secret: `projects/p/secrets/git-${at}/versions/1` });
    const repositories = [
      { folder: "a", url: "https://git.example/a", credential: credential(0) },
      { folder: "b", url: "https://git.example/b" },
      { folder: "c", url: "https://git.example/c", credential: credential(2) },
    ];
    const agent = { timeoutSeconds: 60, machineType: "E2_MEDIUM" as const, repositories };
    const { availableSecrets } = buildPlan(SETTINGS, planned({ agent }));
    expect(availableSecrets.secretManager.slice(1)).toEqual([
      { versionName: credential(0).secret, env: "RUNYARD_REPOSITORY_CREDENTIAL_0" },
      { versionName: credential(2).secret, env: "RUNYARD_REPOSITORY_CREDENTIAL_2" },
    ]);
  });

  test("stays within Cloud Build's limits", () => {
    for (const tag of plan.tags) expect(tag).toMatch(/^[\w][\w.-]{0,127}$/);
    expect(plan.tags.length).toBeLessThanOrEqual(64);
    const longest = planned({
      agent: { timeoutSeconds: RUN_LIMITS.maxTimeoutSeconds, machineType: "E2_HIGHCPU_32" },
    });
    expect(buildPlan(SETTINGS, longest).timeout.seconds).toBeLessThanOrEqual(86_400);
    expect(Buffer.byteLength(JSON.stringify(plan))).toBeLessThan(4096);
  });

  test.each(MACHINE_TYPES)("takes machine type %s", (machineType) => {
    const { options } = buildPlan(
      SETTINGS,
      planned({ agent: { timeoutSeconds: 60, machineType } }),
    );
    expect(options.machineType).toBe(machineType);
  });

  test("is found again by its tags", () => {
    const slot = "default.E2_STANDARD_2.0";
    expect(attemptOfTags(plan.tags)).toEqual({ runId: RUN_ID, attempt: 3, slot });
    const { tags } = buildPlan(SETTINGS, planned({ slot: null }));
    expect(attemptOfTags(tags)).toEqual({ runId: RUN_ID, attempt: 3, slot: null });
  });
});

test.each([
  ["no tags", []],
  ["a build of somebody else", ["deploy", `${RUN_ID}.1`]],
  ["only the product's tag", ["runyard"]],
  ["an attempt of nothing", ["runyard", "run_short.1"]],
  ["attempt zero", ["runyard", `${RUN_ID}.0`]],
])("tags that name no attempt: %s", (_name, tags) => {
  expect(attemptOfTags(tags)).toBeUndefined();
});
