import { Firestore } from "@google-cloud/firestore";
import { pathsOf } from "../../../functions/attempts/attempt-outcome.ts";
import { recordBuildStatus } from "../../../functions/attempts/record-build-status.ts";
import { applyEvent } from "../../../functions/attempts/settle-attempt.ts";
import { submitBuild } from "../../../functions/attempts/submit-build.ts";
import { sweep } from "../../../functions/attempts/sweep.ts";
import type { Builds } from "../../../functions/services/builds.ts";
import type { Services } from "../../../functions/services/services.ts";
import { CAPACITY, TIMING } from "../../../shared/limits.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import {
  attemptOf,
  claimedRun,
  endedBuild,
  manifestOf,
  pass,
  putClaim,
  putObject,
  withBuilds,
} from "../../support/attempts.ts";
import { eventually } from "../../support/eventually.ts";
import { type Pipeline, shellImage, startPipeline } from "../../support/pipeline.ts";

const recordOf = (pipeline: Pipeline, { run }: RunRecord) => pipeline.record(run.id);

describe("Cloud Build does not know the build", () => {
  const unknowing = (services: Services) => withBuilds(services, { get: async () => undefined });

  test("while it works: nothing is decided, by messages or by sweeps", async () => {
    await using pipeline = await startPipeline({ images: shellImage("sleep 600") });
    const run = await claimedRun(pipeline);
    const services = unknowing(pipeline.services);
    await applyEvent(services, run.run.id, await claimOf(pipeline));
    const [build] = await pipeline.builds();
    await recordBuildStatus(services, { ...build, status: "SUCCESS" });
    await pass(pipeline, TIMING.queueTtl);
    await sweep(services);
    expect((await recordOf(pipeline, run)).state).toMatchObject({ phase: "running", attempt: 1 });
    expect(await services.artifacts.manifestOf(pathsOf(run))).toBeUndefined();
  });

  test("past its hard limit it is over, and what it left counts", async () => {
    await using pipeline = await startPipeline({ images: shellImage("sleep 600") });
    const run = await claimedRun(pipeline);
    await applyEvent(pipeline.services, run.run.id, await claimOf(pipeline));
    await pass(pipeline, 24 * 3600);
    await sweep(unknowing(pipeline.services));
    expect(await recordOf(pipeline, run)).toMatchObject({
      run: { attempt: 2 },
      state: { phase: "pending", failures: 1 },
    });
  });

  async function claimOf(pipeline: Pipeline) {
    const [build] = await pipeline.builds();
    const name = `${pipeline.services.builds.parent}/builds/${build?.id}`;
    return { type: "claimed", attempt: 1, build: { id: build?.id ?? "", name } } as const;
  }
});

test("a build of another region than today's is found where it was created", async () => {
  await using pipeline = await startPipeline({ images: shellImage("exit 1") });
  const { run, message } = await endedBuild(pipeline);
  const asked: string[] = [];
  const { services } = pipeline;
  const get: Builds["get"] = (build) => {
    asked.push(build.name);
    return services.builds.get(build);
  };
  const moved = withBuilds(services, { get, parent: "projects/pipeline/locations/europe-west1" });
  await recordBuildStatus(moved, message);
  expect(asked).toEqual([expect.stringContaining("/locations/us-central1/")]);
  expect((await recordOf(pipeline, run)).run.attempt).toBe(2);
});

test("an attempt that was sealed and whose build ended well lost its submission, and is tried again", async () => {
  await using pipeline = await startPipeline({ images: shellImage("exit 0") });
  const { run, message } = await endedBuild(pipeline);
  // Whoever sealed it died before it could say so.
  await pipeline.services.artifacts.sealClaim(pathsOf(run), "the lease is over");
  await recordBuildStatus(pipeline.services, message);
  expect(await recordOf(pipeline, run)).toMatchObject({
    run: { attempt: 2, status: "pending" },
    state: { lostSubmissions: 1, failures: 0 },
  });
});

describe("a run of an id that was deleted", () => {
  test("is not touched by late messages of the one before it", async () => {
    await using pipeline = await startPipeline({ images: shellImage("exit 1") });
    const { services } = pipeline;
    const { run, message } = await endedBuild(pipeline);
    await applyEvent(services, run.run.id, { type: "cancel" });
    const ended = await recordOf(pipeline, run);
    await services.runs.delete(ended);
    const again = await pipeline.acceptAs(run.run.id);
    await recordBuildStatus(services, message);
    expect(await services.artifacts.claimOf(pathsOf(again))).toBeUndefined();
    expect((await recordOf(pipeline, again)).state).toMatchObject({ phase: "pending", attempt: 1 });
  });

  test("is given no build of the one before it, whose create was slow", async () => {
    await using pipeline = await startPipeline({ images: shellImage("sleep 600") });
    const { services } = pipeline;
    const before = await pipeline.accept();
    const lost = withBuilds(services, { create: async () => ({ kind: "unknown", message: "" }) });
    const create: Builds["create"] = async (plan, parent) => {
      const creation = await services.builds.create(plan, parent);
      await applyEvent(services, before.run.id, { type: "cancel" });
      await services.runs.delete(await recordOf(pipeline, before));
      await submitBuild(lost, attemptOf(await pipeline.acceptAs(before.run.id)));
      return creation;
    };
    await submitBuild(withBuilds(services, { create }), attemptOf(before));
    const { state } = await recordOf(pipeline, before);
    expect(state).toMatchObject({ phase: "submitting", build: null });
  });
});

test.each(["QUEUED", "WORKING", "SUCCESS", "CANCELLED"])(
  "a message with the tags of another deployment's build (%s) is none of ours",
  async (status) => {
    await using pipeline = await startPipeline();
    const cancelled: string[] = [];
    const services = withBuilds(pipeline.services, {
      get: async (ref) => ({
        ref,
        status: "WORKING",
        startedAt: null,
        input: "gs://other/attempts/x",
        failure: "",
      }),
      cancel: async ({ id }) => void cancelled.push(id),
    });
    const tags = ["runyard", `run_${"0".repeat(22)}.1`];
    await recordBuildStatus(services, { id: "b", status, tags });
    expect(cancelled).toEqual([]);
  },
);

describe("which build a run was", () => {
  test("the claim says, even if the run knew of none or of another", async () => {
    await using pipeline = await startPipeline({ images: shellImage("exit 1") });
    const { services } = pipeline;
    const { run, message } = await endedBuild(pipeline);
    await putClaim(pipeline, run, message.id);
    await putObject(services, pathsOf(run).manifest, manifestOf(run, message.id));
    const firestore = new Firestore({ projectId: pipeline.config.projectId });
    await firestore.doc(`runState/${run.run.id}`).update({ build: null, phase: "running" });
    await firestore.terminate();
    await recordBuildStatus(services, message);
    const { state } = await recordOf(pipeline, run);
    expect(state).toMatchObject({ phase: "succeeded", build: { id: message.id } });
  });
});

describe("a build that was ended from outside", () => {
  test("is not followed by another attempt", async () => {
    await using pipeline = await startPipeline({ images: shellImage("sleep 600") });
    const { services } = pipeline;
    const run = await claimedRun(pipeline);
    const [build] = await pipeline.builds();
    const id = build?.id ?? "";
    await services.builds.cancel({ id, name: `${services.builds.parent}/builds/${id}` });
    await eventually(async () => expect((await pipeline.builds())[0]?.status).toBe("CANCELLED"));
    await recordBuildStatus(services, { ...build, status: "CANCELLED" });
    expect((await recordOf(pipeline, run)).run).toMatchObject({ status: "cancelled", attempt: 1 });
    expect(await pipeline.builds()).toHaveLength(1);
  });

  test("by us, since its time was over, has timed out", async () => {
    await using pipeline = await startPipeline({ images: shellImage("sleep 600") });
    const { services } = pipeline;
    const run = await claimedRun(pipeline);
    await pass(pipeline, TIMING.queueTtl + TIMING.grace + 1);
    await sweep(services);
    await pass(pipeline, 24 * 3600);
    await sweep(services);
    await eventually(async () => expect((await pipeline.builds())[0]?.status).toBe("CANCELLED"));
    await recordBuildStatus(services, (await pipeline.builds())[0]);
    expect((await recordOf(pipeline, run)).run).toMatchObject({
      status: "timed_out",
      attempt: 1,
      error: { code: "build_timed_out" },
    });
  });
});

test("a build that says that it is done is looked at a moment later, if no message comes", async () => {
  await using pipeline = await startPipeline({ images: shellImage("exit 1") });
  const { run, message } = await endedBuild(pipeline);
  await putClaim(pipeline, run, message.id);
  await putObject(pipeline.services, pathsOf(run).manifest, manifestOf(run, message.id));
  await applyEvent(pipeline.services, run.run.id, { type: "finished", attempt: 1 });
  await pass(pipeline, TIMING.finished + 1);
  await sweep(pipeline.services);
  expect((await recordOf(pipeline, run)).run.status).toBe("succeeded");
});

test("without that and without messages the list of live builds tells within minutes", async () => {
  await using pipeline = await startPipeline({ images: shellImage("exit 1") });
  const { run, message } = await endedBuild(pipeline);
  await putClaim(pipeline, run, message.id);
  await putObject(pipeline.services, pathsOf(run).manifest, manifestOf(run, message.id));
  await pass(pipeline, CAPACITY.look + 1);
  await sweep(pipeline.services);
  expect((await recordOf(pipeline, run)).run.status).toBe("succeeded");
});
