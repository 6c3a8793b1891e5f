import { standInTest } from "../declared.ts";
import { TARGET } from "../target.ts";
import { BUCKET, PROJECT } from "./surroundings.ts";
import { archive, bash, eventually, numberIn, startWorld } from "./world.ts";

/** By so much another machine's clock may be behind this one. */
const CLOCKS_DIFFER_S = TARGET === "standIn" ? 0 : 60;

test("a created build is queued, and has Google's names and defaults", async () => {
  await using world = await startWorld();
  const before = Date.now();
  const build = await world.create({ steps: [bash("true")] });
  expect(build.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(build.name).toBe(`projects/${numberIn(build)}/locations/us-central1/builds/${build.id}`);
  expect(build.status).toBe(1);
  expect(build.projectId).toBe(PROJECT);
  expect(Number(build.timeout?.seconds)).toBe(3600);
  expect(Number(build.queueTtl?.seconds)).toBe(3600);
  expect(Number(build.createTime?.seconds)).toBeGreaterThanOrEqual(
    Math.floor(before / 1000) - CLOCKS_DIFFER_S,
  );
  expect(build.startTime).toBeFalsy();
  expect(build.logUrl).toContain(build.id);
  expect(build.logsBucket).toBe(`gs://${numberIn(build)}.cloudbuild-logs.googleusercontent.com`);
  await world.finished(build);
});

test("a build whose steps all exit with 0 succeeds", async () => {
  await using world = await startWorld();
  const build = await world.run({ steps: [bash("echo one"), bash("echo two")] });
  expect(build.status).toBe("SUCCESS");
  expect(build.steps?.map(({ status }) => status)).toEqual(["SUCCESS", "SUCCESS"]);
  const { timing, pullTiming } = build.steps?.[0] ?? {};
  expect(Number(timing?.endTime?.seconds)).toBeGreaterThanOrEqual(
    Number(timing?.startTime?.seconds),
  );
  expect(Number(pullTiming?.endTime?.seconds)).toBeLessThanOrEqual(
    Number(timing?.endTime?.seconds),
  );
  expect(Object.keys(build.timing ?? {}).sort()).toEqual(["BUILD", "FETCHSOURCE", "PUSH"]);
  expect(Number(build.finishTime?.seconds)).toBeGreaterThanOrEqual(
    Number(build.startTime?.seconds),
  );
  expect(build.failureInfo).toBeFalsy();
});

test("a build whose step fails is a failure of the user's step, and later steps do not run", async () => {
  await using world = await startWorld();
  const build = await world.run({
    steps: [bash("exit 3"), bash("echo never > /dev/stderr")],
    logsBucket: `gs://${BUCKET}`,
  });
  const reason = 'build step 0 "bash" failed: step exited with non-zero status: 3';
  expect(build.status).toBe("FAILURE");
  expect(build.statusDetail).toBe(`Build step failure: ${reason}`);
  expect(build.failureInfo).toMatchObject({
    type: "USER_BUILD_STEP",
    detail: `Build step failure: ${reason}`,
  });
  expect(build.steps?.map(({ status }) => status)).toEqual(["FAILURE", "QUEUED"]);
  expect(build.steps?.[0]?.exitCode).toBe(3);
  const log = await world.objects.find(`log-${build.id}.txt`);
  expect(log?.text).toMatch(new RegExp(`ERROR\nERROR: ${reason}\n$`));
  expect(log?.text).not.toContain("never");
});

test("an unknown image fails as one that cannot be pulled", async () => {
  await using world = await startWorld();
  const build = await world.run({ steps: [{ name: "gcr.io/nobody/nothing:latest" }] });
  expect(build.status).toBe("FAILURE");
  expect(build.failureInfo?.type).toBe("USER_BUILD_STEP");
  expect(build.failureInfo?.detail).toContain(
    'error pulling build step 0 "gcr.io/nobody/nothing:latest"',
  );
});

standInTest("an image is found whatever its tag or digest", async () => {
  await using world = await startWorld({
    images: { "us-docker.pkg.dev/p/r/runner": { command: ["bash"], env: {} } },
  });
  for (const suffix of ["", ":v1", `@sha256:${"a".repeat(64)}`]) {
    const name = `us-docker.pkg.dev/p/r/runner${suffix}`;
    const build = await world.run({ steps: [{ name, args: ["-c", "exit 0"] }] });
    expect([suffix, build.status]).toEqual([suffix, "SUCCESS"]);
  }
});

test("a command that does not exist exits with 127", async () => {
  await using world = await startWorld();
  const build = await world.run({ steps: [{ name: "bash", entrypoint: "no-such-program" }] });
  expect(build.status).toBe("FAILURE");
  expect(build.steps?.[0]?.exitCode).toBe(127);
});

test.each([
  {
    title: "allowFailure forgives any exit code",
    allow: { allowFailure: true },
    status: "SUCCESS",
  },
  { title: "allowExitCodes forgives its codes", allow: { allowExitCodes: [3] }, status: "SUCCESS" },
  {
    title: "allowExitCodes decides alone, whatever allowFailure says",
    allow: { allowExitCodes: [4], allowFailure: true },
    status: "FAILURE",
  },
])("$title", async ({ allow, status }) => {
  await using world = await startWorld();
  const build = await world.run({ steps: [{ ...bash("exit 3"), ...allow }] });
  expect(build.status).toBe(status);
  expect(build.steps?.[0]).toMatchObject({ status: "FAILURE", exitCode: 3 });
});

test("steps wait for all above them, or for those they name, or for none", async () => {
  await using world = await startWorld();
  const build = await world.run({
    steps: [
      { ...bash("until test -e go; do sleep 0.01; done; echo slow >> order"), id: "slow" },
      { ...bash("echo fast >> order; touch go"), id: "fast", waitFor: ["-"] },
      { ...bash("echo after-fast >> named"), waitFor: ["fast"] },
      bash('cat order named > "$BUILDER_OUTPUT/output"'),
    ],
  });
  expect(build.status).toBe("SUCCESS");
  const output = Buffer.from(build.results?.buildStepOutputs?.[3] ?? "").toString();
  expect(output).toBe("fast\nslow\nafter-fast\n");
});

test("a failing step stops those that run beside it", async () => {
  await using world = await startWorld();
  const build = await world.run({
    steps: [bash("sleep 600"), { ...bash("exit 1"), waitFor: ["-"] }],
  });
  expect(build.status).toBe("FAILURE");
  expect(build.steps?.map(({ status }) => status)).toEqual(["CANCELLED", "FAILURE"]);
});

test("the topic hears what becomes of a build", async () => {
  await using world = await startWorld();
  const build = await world.run({ steps: [bash("exit 0")], tags: ["a-tag"] });
  const id = build.id ?? "";
  await eventually(() => world.statuses(id).length === 3);
  expect(world.statuses(id).toSorted()).toEqual(["QUEUED", "SUCCESS", "WORKING"]);
  for (const message of world.messages.filter(({ attributes }) => attributes["buildId"] === id)) {
    const { status } = message.attributes;
    const { name } = build;
    expect(message.projectId).toBe(PROJECT);
    expect(message.build).toMatchObject({ id, name, status, tags: ["a-tag"], timeout: "3600s" });
    expect(message.build.createTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
  }
});

standInTest(
  "the topic hears QUEUED, WORKING and the end, in that order, as proto3 JSON",
  async () => {
    await using world = await startWorld();
    await world.objects.write("a.tar.gz", await archive([]));
    const build = await world.run({
      steps: [
        { ...bash('echo -n out > "$BUILDER_OUTPUT/output"'), timeout: { seconds: 5 } },
        bash("exit 0"),
      ],
      source: { storageSource: { bucket: BUCKET, object: "a.tar.gz", generation: 1001 } },
      tags: ["a-tag"],
      substitutions: {},
      options: { logging: "GCS_ONLY", diskSizeGb: 100 },
      logsBucket: "gs://logs",
    });
    expect(world.statuses(build.id ?? "")).toEqual(["QUEUED", "WORKING", "SUCCESS"]);
    const [queued, working, success] = world.messages;
    expect(queued?.projectId).toBe(PROJECT);
    expect(success?.attributes).toEqual({ buildId: build.id, status: "SUCCESS" });
    expect(queued?.build).toEqual({
      id: build.id,
      name: build.name,
      projectId: PROJECT,
      status: "QUEUED",
      steps: [
        {
          name: "bash",
          args: bash('echo -n out > "$BUILDER_OUTPUT/output"').args.map((a) =>
            a.replaceAll("$$", "$"),
          ),
          timeout: "5s",
        },
        { name: "bash", args: ["-c", "exit 0"] },
      ],
      source: { storageSource: { bucket: BUCKET, object: "a.tar.gz", generation: "1001" } },
      createTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/),
      timeout: "3600s",
      queueTtl: "3600s",
      tags: ["a-tag"],
      options: { logging: "GCS_ONLY", diskSizeGb: "100" },
      logsBucket: "gs://logs",
      logUrl: expect.stringContaining(
        "https://console.cloud.google.com/cloud-build/builds;region=",
      ),
    });
    expect(working?.build).toMatchObject({ status: "WORKING", startTime: expect.any(String) });
    expect(working?.build.steps[0]).not.toHaveProperty("status");
    expect(success?.build.steps[0]).toMatchObject({ status: "SUCCESS", timing: expect.anything() });
    expect(success?.build.steps[0]).not.toHaveProperty("exitCode");
    expect(success?.build.results).toEqual({
      buildStepImages: ["", ""],
      buildStepOutputs: [Buffer.from("out").toString("base64"), ""],
    });
  },
);
