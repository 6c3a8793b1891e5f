import { Storage } from "@google-cloud/storage";
import { pathsOf } from "../../../functions/attempts/attempt-outcome.ts";
import { recordBuildStatus } from "../../../functions/attempts/record-build-status.ts";
import { applyEvent } from "../../../functions/attempts/settle-attempt.ts";
import { submitBuild } from "../../../functions/attempts/submit-build.ts";
import { sweep } from "../../../functions/attempts/sweep.ts";
import type { Services } from "../../../functions/services/services.ts";
import { TIMING } from "../../../shared/limits.ts";
import {
  answering,
  attemptOf,
  claimedRun,
  endedBuild,
  later,
  manifestOf,
  putClaim,
  putObject,
  submittedRun,
} from "../../support/attempts.ts";
import { eventually } from "../../support/eventually.ts";
import { shellImage, startPipeline } from "../../support/pipeline.ts";

describe("record-build-status", () => {
  test("any message of any kind is survived, and none of another's build is followed", async () => {
    await using pipeline = await startPipeline();
    const tags = ["runyard", `run_${"0".repeat(22)}.1`];
    const messages = [
      null,
      1,
      "x",
      [],
      {},
      { id: 1 },
      { id: "b", tags: "runyard" },
      { id: "b", tags: [1] },
      { id: "b", status: "NEW", tags },
    ];
    for (const message of messages) await recordBuildStatus(pipeline.services, message);
  });

  test("a build that ended without a claim is followed by the next attempt", async () => {
    await using pipeline = await startPipeline({ images: shellImage("exit 1") });
    const { run, message } = await endedBuild(pipeline);
    await recordBuildStatus(pipeline.services, message);
    const { run: now } = await pipeline.record(run.run.id);
    expect(now).toMatchObject({ status: "pending", attempt: 2 });
    expect(now.why).toContain("step exited with non-zero status: 1");
  });

  test("a manifest of the build that claimed decides, whatever the build's status", async () => {
    await using pipeline = await startPipeline({ images: shellImage("exit 1") });
    const { run, message } = await endedBuild(pipeline);
    await putClaim(pipeline, run, message.id);
    await putObject(pipeline.services, pathsOf(run).manifest, manifestOf(run, message.id));
    for (const repeat of [1, 2, 3]) {
      await recordBuildStatus(pipeline.services, message);
      const { run: ended, state } = await pipeline.record(run.run.id);
      expect(ended).toMatchObject({ status: "succeeded", output: { text: "Done so." } });
      expect([repeat, state.dueAt]).toEqual([repeat, null]);
    }
  });

  test("a build that lost the claim decides nothing", async () => {
    await using pipeline = await startPipeline({ images: shellImage("exit 1") });
    const { run, message } = await endedBuild(pipeline);
    await putClaim(pipeline, run, "another");
    await recordBuildStatus(pipeline.services, message);
    const { state } = await pipeline.record(run.run.id);
    expect(state).toMatchObject({ phase: "running", attempt: 1, build: { id: "another" } });
  });

  test.each([
    ["an output that is not there", "attempts", "is missing"],
    ["an output of somebody else", "elsewhere", "not one of its outputs"],
  ])("%s: the run fails and says which", async (_name, place, text) => {
    await using pipeline = await startPipeline({ images: shellImage("exit 0") });
    const { run, message } = await endedBuild(pipeline);
    const paths = pathsOf(run);
    const object =
      place === "attempts" ? `${paths.outputs}patch.diff` : "attempts/other/patch.diff";
    const output = {
      name: "patch.diff",
      object,
      contentType: "text/x-diff",
      sizeBytes: 3,
      sha256: "0".repeat(64),
    };
    await putClaim(pipeline, run, message.id);
    await putObject(pipeline.services, paths.manifest, {
      ...manifestOf(run, message.id),
      outputs: [output],
    });
    await recordBuildStatus(pipeline.services, message);
    const { run: ended } = await pipeline.record(run.run.id);
    expect(ended).toMatchObject({ status: "failed", error: { code: "artifact_missing" } });
    expect(ended.error?.message).toContain(text);
  });

  test.each([
    ["that is no JSON", "{"],
    ["of another form", JSON.stringify({ by: "build" })],
  ])("a manifest %s counts as none", async (_name, text) => {
    await using pipeline = await startPipeline({ images: shellImage("exit 0") });
    const { run, message } = await endedBuild(pipeline);
    await putClaim(pipeline, run, message.id);
    const bucket = new Storage({ projectId: "pipeline" }).bucket("bucket");
    await bucket.file(pathsOf(run).manifest).save(text, { resumable: false });
    await recordBuildStatus(pipeline.services, message);
    expect((await pipeline.record(run.run.id)).run.error?.code).toBe("artifact_missing");
  });

  test("a live build of a run that is over is cancelled", async () => {
    await using pipeline = await startPipeline({ images: shellImage("sleep 600") });
    const run = await pipeline.accept();
    await submitBuild(answering(pipeline.services, "unknown", true), attemptOf(run));
    await applyEvent(pipeline.services, run.run.id, { type: "cancel" });
    expect((await pipeline.record(run.run.id)).run.status).toBe("cancelled");
    const [build] = await pipeline.builds();
    await recordBuildStatus(pipeline.services, { ...build, status: "WORKING" });
    await eventually(async () => expect((await pipeline.builds())[0]?.status).toBe("CANCELLED"));
  });
});

describe("cancel", () => {
  test("of a queued run that has not claimed ends it at once, and its build is seen to its end", async () => {
    await using pipeline = await startPipeline({ images: shellImage("sleep 600") });
    const run = await submittedRun(pipeline);
    await applyEvent(pipeline.services, run.run.id, { type: "cancel" });
    const { run: ended, state } = await pipeline.record(run.run.id);
    expect(ended).toMatchObject({ status: "cancelled", done: true });
    expect(state.obligations).toEqual(["build"]);
    await eventually(async () => expect((await pipeline.builds())[0]?.status).toBe("CANCELLED"));
    await sweep(later(pipeline.services, TIMING.cancelStep + 1));
    expect((await pipeline.record(run.run.id)).state).toMatchObject({
      obligations: [],
      dueAt: null,
    });
  });

  test("of a run whose agent does not stop ends its build after the grace", async () => {
    await using pipeline = await startPipeline({ images: shellImage("sleep 600") });
    const run = await claimedRun(pipeline);
    await applyEvent(pipeline.services, run.run.id, { type: "cancel" });
    expect((await pipeline.record(run.run.id)).run.status).toBe("cancelling");
    await sweep(later(pipeline.services, TIMING.cancelStep + 1));
    expect((await pipeline.builds())[0]?.status).not.toBe("CANCELLED");
    await sweep(later(pipeline.services, TIMING.cancelGrace + TIMING.cancelStep + 2));
    await eventually(async () => expect((await pipeline.builds())[0]?.status).toBe("CANCELLED"));
    await recordBuildStatus(pipeline.services, (await pipeline.builds())[0]);
    expect((await pipeline.record(run.run.id)).run.status).toBe("cancelled");
    expect(await pipeline.services.artifacts.manifestOf(pathsOf(run))).toMatchObject({
      by: "seal",
    });
  });
});

describe("the sweep", () => {
  test("publishes again what nobody has come to", async () => {
    await using pipeline = await startPipeline();
    const run = await pipeline.accept();
    const published: object[] = [];
    const publisher = { publishAttempt: async (message: object) => void published.push(message) };
    const services: Services = { ...pipeline.services, publisher };
    expect(await sweep(services)).toEqual({ visited: 0, failed: 0 });
    expect(await sweep(later(services, TIMING.pendingDue + 1))).toEqual({ visited: 1, failed: 0 });
    expect(published).toEqual([attemptOf(run)]);
    expect(await sweep(later(services, TIMING.pendingDue + 2))).toMatchObject({ visited: 0 });
  });

  test("settles a run whose status messages were all lost", async () => {
    await using pipeline = await startPipeline({ images: shellImage("exit 1") });
    const { run } = await endedBuild(pipeline);
    await sweep(later(pipeline.services, TIMING.queueTtl + TIMING.grace + 1));
    expect((await pipeline.record(run.run.id)).run).toMatchObject({
      status: "pending",
      attempt: 2,
    });
  });

  test("expires a run that Cloud Build never starts, and tries again", async () => {
    await using pipeline = await startPipeline({
      images: shellImage("sleep 600"),
      concurrentBuilds: 1,
    });
    const [blocking, run] = [await pipeline.accept(), await pipeline.accept()];
    await submitBuild(pipeline.services, attemptOf(blocking));
    await submitBuild(pipeline.services, attemptOf(run));
    await sweep(later(pipeline.services, TIMING.queueTtl + TIMING.grace + 1));
    const { run: now, state } = await pipeline.record(run.run.id);
    expect(now.history.at(-1)?.cause).toContain("build_expired");
    expect(state).toMatchObject({ phase: "pending", attempt: 2, failures: 1 });
    expect(await pipeline.services.artifacts.claimOf(pathsOf(run))).toMatchObject({ by: "seal" });
  });

  test("ends a build past its hard limit", async () => {
    await using pipeline = await startPipeline({ images: shellImage("sleep 600") });
    const run = await claimedRun(pipeline);
    await sweep(later(pipeline.services, TIMING.queueTtl + TIMING.grace + 1));
    expect((await pipeline.record(run.run.id)).state.phase).toBe("running");
    await sweep(later(pipeline.services, 24 * 3600));
    await eventually(async () => expect((await pipeline.builds())[0]?.status).toBe("CANCELLED"));
  });

  test("a visit that fails leaves the others alone and its run due", async () => {
    await using pipeline = await startPipeline();
    const [bad, good] = [await pipeline.accept(), await pipeline.accept()];
    const published: { runId: string }[] = [];
    const publisher = {
      publishAttempt: async (message: { runId: string }) => {
        if (message.runId === bad.run.id) throw new Error("as the test wants it");
        published.push(message);
      },
    };
    const services: Services = { ...pipeline.services, publisher };
    expect(await sweep(later(services, TIMING.pendingDue + 1))).toEqual({ visited: 2, failed: 1 });
    expect(published).toEqual([attemptOf(good)]);
    expect((await pipeline.record(bad.run.id)).state.dueAt).not.toBeNull();
  });
});
