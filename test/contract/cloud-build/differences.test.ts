import { killAll } from "../../support/processes.ts";
import { differsTest } from "../declared.ts";
import { processesWith, sleepingWith, uniqueSleep } from "./live-processes.ts";
import { BUCKET, PROJECT } from "./surroundings.ts";
import {
  type Build,
  bash,
  buildOf,
  eventually,
  output,
  PARENT,
  startWorld,
  type World,
} from "./world.ts";

differsTest(
  "Differs: there is no Docker daemon here: also a docker step has built no image",
  async () => {
    const docker = "gcr.io/cloud-builders/docker";
    await using world = await startWorld({ images: { [docker]: { command: ["true"], env: {} } } });
    const image = "gcr.io/p/app";
    const steps = [{ name: docker, args: ["build", "-t", image, "."] }];
    const build = await world.run({ steps, images: [image] });
    expect(build).toMatchObject({
      status: "FAILURE",
      failureInfo: { type: "PUSH_IMAGE_NOT_FOUND" },
      steps: [{ status: "SUCCESS" }],
    });
  },
);

differsTest(
  "Differs: on Google's global endpoint the operation of a regional build is NOT_FOUND: here it is found",
  async () => {
    await using world = await startWorld();
    const request = { parent: PARENT, projectId: PROJECT, build: { steps: [bash("exit 0")] } };
    const [operation] = await world.client.createBuild(request);
    const [build] = await operation.promise();
    expect((build as { name?: string }).name).toContain("/locations/us-central1/");
  },
);

/** The error of a build's operation, as code and text. */
async function errorOf(world: World, build: Build, wait = world.finished) {
  const [operation] = await world.client.createBuild({ projectId: PROJECT, build });
  await wait(buildOf(operation));
  const { latestResponse } = await world.client.checkCreateBuildProgress(operation.name ?? "");
  const { error } = latestResponse as { error?: { code: number; message: string } };
  return [error?.code, error?.message];
}

differsTest(
  "Differs: the codes and texts of an operation's error are ours: 2 failed, 4 timed out, 1 cancelled",
  async () => {
    await using world = await startWorld();
    const reason = 'build step 0 "bash" failed: step exited with non-zero status: 3';
    const failed = await errorOf(world, { steps: [bash("exit 3")] });
    expect(failed).toEqual([2, `Build step failure: ${reason}`]);
    const steps = [bash("sleep 600")];
    const timedOut = await errorOf(world, { steps, timeout: { seconds: 1 } });
    expect(timedOut).toEqual([4, "Build timed out"]);
    const cancelled = await errorOf(world, { steps }, async ({ name }) => {
      const [build] = await world.client.cancelBuild({ name, projectId: PROJECT });
      return build;
    });
    expect(cancelled).toEqual([1, "Build was cancelled"]);
  },
);

differsTest(
  "Differs: an image is a command of this machine: its files are this machine's",
  async () => {
    await using world = await startWorld();
    const script = `grep -l describe ${import.meta.filename}; pwd; echo "$HOME"`;
    const build = await world.run({ steps: [bash(`(${script}) > "$BUILDER_OUTPUT/output"`)] });
    const [file, workspace, home] = output(build).split("\n");
    expect(file).toBe(import.meta.filename);
    expect(workspace).toMatch(new RegExp(`^${world.folder}/.*/workspace$`));
    expect(home).toMatch(new RegExp(`^${world.folder}/`));
  },
);

differsTest(
  "Differs: Google's step may work anywhere in its container: here in the workspace alone",
  async () => {
    await using world = await startWorld();
    const build = await world.run({ steps: [{ ...bash("exit 0"), dir: "../tmp" }] });
    expect(build.status).toBe("FAILURE");
    expect(build.failureInfo?.detail).toContain('dir "../tmp" is outside of the workspace');
  },
);

differsTest(
  "Differs: Google throws the machine away: here a process that left its session, environment and parent goes on",
  async () => {
    await using world = await startWorld();
    const mark = uniqueSleep();
    const steps = [bash(`(setsid env -i sleep ${mark} &); sleep 600`)];
    const build = await world.create({ steps });
    await eventually(() => sleepingWith(mark).length === 1);
    await world.client.cancelBuild({ name: build.name, projectId: PROJECT });
    const left = processesWith(mark);
    expect(left).toEqual(sleepingWith(mark));
    expect(left).toHaveLength(1);
    killAll(left);
  },
);

differsTest(
  "Differs: Google counts builds per project and region: here one that is elsewhere waits as well",
  async () => {
    await using world = await startWorld({ concurrentBuilds: 1 });
    const first = await world.create({ steps: [bash("sleep 600")] });
    await eventually(() => world.statuses(first.id).includes("WORKING"));
    const [operation] = await world.client.createBuild({
      parent: `projects/${PROJECT}-2/locations/europe-west1`,
      projectId: `${PROJECT}-2`,
      build: { steps: [bash("exit 0")] },
    });
    const second = buildOf(operation);
    expect((await world.get(second.name)).status).toBe("QUEUED");
    await world.client.cancelBuild({ name: first.name, projectId: PROJECT });
    expect((await world.finished(second)).status).toBe("SUCCESS");
  },
);

const SOURCE = { bucket: BUCKET, object: "input.tar.gz" };

differsTest.each([
  ["an object that is not there", SOURCE],
  ["another generation than wanted", { ...SOURCE, generation: 1 }],
])(
  "Differs: Google resolves the source at CreateBuild already and then refuses one that does not exist: here %s fails the build",
  async (_, storageSource) => {
    await using world = await startWorld();
    if ("generation" in storageSource) {
      await world.objects.write(storageSource.object, Buffer.from("none"));
    }
    const build = await world.run({ steps: [bash("exit 0")], source: { storageSource } });
    expect(build.status).toBe("FAILURE");
    expect(build.failureInfo?.type).toBe("FETCH_SOURCE_FAILED");
    expect(build.steps?.[0]?.status).toBe("QUEUED");
  },
);

differsTest(
  "Differs: there is no Cloud Logging here: a build that logs only there leaves no log",
  async () => {
    const written: string[] = [];
    await using world = await startWorld({
      async writeObject(_, name) {
        written.push(name);
        return { generation: "1" };
      },
    });
    const options = { logging: "CLOUD_LOGGING_ONLY" } as const;
    expect((await world.run({ steps: [bash("echo x")], options })).status).toBe("SUCCESS");
    expect(written).toEqual([]);
    const build = await world.run({ steps: [bash("echo x")] });
    expect(written).toContain(`log-${build.id}.txt`);
  },
);

differsTest("Differs: a command of this machine has no digest: each step's is empty", async () => {
  await using world = await startWorld();
  const build = await world.run({ steps: [bash("exit 0"), bash("exit 0")] });
  expect(build.results?.buildStepImages).toEqual(["", ""]);
});
