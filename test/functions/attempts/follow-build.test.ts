import { Storage } from "@google-cloud/storage";
import { pathsOf } from "../../../functions/attempts/attempt-outcome.ts";
import { recordBuildStatus } from "../../../functions/attempts/record-build-status.ts";
import { applyEvent } from "../../../functions/attempts/settle-attempt.ts";
import { submitBuild } from "../../../functions/attempts/submit-build.ts";
import { sweep } from "../../../functions/attempts/sweep.ts";
import { checkpointObject } from "../../../shared/documents/attempt.ts";
import type { Checkpoint } from "../../../shared/documents/manifest.ts";
import { TIMING } from "../../../shared/limits.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import {
  answering,
  attemptOf,
  claimedRun,
  endedBuild,
  manifestOf,
  pass,
  putClaim,
  putObject,
  submittedRun,
  withPublisher,
} from "../../support/attempts.ts";
import { eventually } from "../../support/eventually.ts";
import { type Pipeline, shellImage, startPipeline } from "../../support/pipeline.ts";

interface Stored {
  number: number;
  text: string;
}

/** What a runner stores of an attempt while its agent works. */
function checkpointOf(run: RunRecord, { number, text }: Stored): Checkpoint {
  const { facts, ...rest } = manifestOf(run, "b");
  const file = (name: string) => ({
    name,
    object: `${pathsOf(run).checkpoints}${number}/${name}`,
    contentType: "text/plain",
    sizeBytes: 2,
    sha256: "0".repeat(64),
  });
  const [earlierUsd, inputTokens, outputTokens] = [0, 1, 2];
  return {
    ...rest,
    number,
    facts: {
      ...facts,
      exitCode: null,
      result: null,
      lastText: text,
      spending: { costUsd: 0.25, earlierUsd, inputTokens, outputTokens, isExhausted: false },
    },
    session: { id: "s", origin: "new", remark: "", commit: null, instructionsHash: "h" },
    outputs: [file("patch.diff"), file("session/s.jsonl")],
  };
}

async function putCheckpoint(
  { services }: Pipeline,
  run: RunRecord,
  { missing, ...stored }: Stored & { missing?: string },
): Promise<void> {
  const checkpoint = checkpointOf(run, stored);
  for (const { name, object } of checkpoint.outputs) {
    if (name !== missing) await putObject(services, object, {});
  }
  await putObject(services, checkpointObject(pathsOf(run), stored.number), checkpoint);
}

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

  test("of a build that left no manifest the newest whole checkpoint is kept", async () => {
    await using pipeline = await startPipeline({ images: shellImage("exit 1") });
    const { run, message } = await endedBuild(pipeline);
    await putClaim(pipeline, run, message.id);
    await putCheckpoint(pipeline, run, { number: 9, text: "Nine." });
    await putCheckpoint(pipeline, run, { number: 10, text: "Ten." });
    await putCheckpoint(pipeline, run, { number: 11, text: "Half.", missing: "patch.diff" });
    await putCheckpoint(pipeline, run, { number: 12, text: "Cut.", missing: "session/s.jsonl" });
    await putObject(pipeline.services, checkpointObject(pathsOf(run), 13), { number: 13 });
    const misnamed = checkpointOf(run, { number: 3, text: "Another's number." });
    await putObject(pipeline.services, checkpointObject(pathsOf(run), 14), misnamed);
    await recordBuildStatus(pipeline.services, message);
    const { run: now, state } = await pipeline.record(run.run.id);
    expect(now).toMatchObject({
      status: "pending",
      attempt: 2,
      output: { text: "Ten." },
      checkpoint: { attempt: 1, number: 10, at: new Date("2026-01-01T00:00:09Z") },
      usage: { costUsd: 0.25, inputTokens: 1, outputTokens: 2, turns: 1, incomplete: true },
    });
    expect(state.resume).toMatchObject({
      runId: run.run.id,
      sessionId: "s",
      workspace: { object: `${pathsOf(run).checkpoints}10/patch.diff` },
    });
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
    expect(state).toMatchObject({ obligations: [], slot: null, dueAt: null });
    expect(await pipeline.services.capacity.slotsOf(run.run.id)).toMatchObject([
      { state: "held", needed: false },
    ]);
    await eventually(async () => expect((await pipeline.builds())[0]?.status).toBe("CANCELLED"));
    await pass(pipeline, TIMING.cancelStep + 1);
    await sweep(pipeline.services);
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
    await pass(pipeline, TIMING.cancelStep + 1);
    await sweep(pipeline.services);
    expect((await pipeline.builds())[0]?.status).not.toBe("CANCELLED");
    await pass(pipeline, TIMING.cancelGrace + 1);
    await sweep(pipeline.services);
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
    const publishAttempt = async (message: object) => void published.push(message);
    const services = withPublisher(pipeline.services, publishAttempt);
    expect(await sweep(services)).toEqual({ visited: 0, failed: 0 });
    await pass(pipeline, TIMING.pendingDue + 1);
    expect(await sweep(services)).toEqual({ visited: 1, failed: 0 });
    expect(published).toEqual([attemptOf(run)]);
    expect(await sweep(services)).toMatchObject({ visited: 0 });
  });

  test("settles a run whose status messages were all lost", async () => {
    await using pipeline = await startPipeline({ images: shellImage("exit 1") });
    const { run } = await endedBuild(pipeline);
    await pass(pipeline, TIMING.queueTtl + TIMING.grace + 1);
    await sweep(pipeline.services);
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
    await pass(pipeline, TIMING.queueTtl + TIMING.grace + 1);
    await sweep(pipeline.services);
    const { run: now, state } = await pipeline.record(run.run.id);
    expect(now.history.at(-1)?.cause).toContain("build_expired");
    expect(state).toMatchObject({ phase: "pending", attempt: 2, failures: 0, lostSubmissions: 1 });
    expect(await pipeline.services.artifacts.claimOf(pathsOf(run))).toMatchObject({ by: "seal" });
  });

  test("ends a build past its hard limit", async () => {
    await using pipeline = await startPipeline({ images: shellImage("sleep 600") });
    const run = await claimedRun(pipeline);
    await pass(pipeline, TIMING.queueTtl + TIMING.grace + 1);
    await sweep(pipeline.services);
    expect((await pipeline.record(run.run.id)).state.phase).toBe("running");
    await pass(pipeline, 24 * 3600);
    await sweep(pipeline.services);
    await eventually(async () => expect((await pipeline.builds())[0]?.status).toBe("CANCELLED"));
  });

  test("a visit that fails leaves the others alone and its run due", async () => {
    await using pipeline = await startPipeline();
    const [bad, good] = [await pipeline.accept(), await pipeline.accept()];
    const published: { runId: string }[] = [];
    const publishAttempt = async (message: { runId: string }) => {
      if (message.runId === bad.run.id) throw new Error("as the test wants it");
      published.push(message);
    };
    const services = withPublisher(pipeline.services, publishAttempt);
    await pass(pipeline, TIMING.pendingDue + 1);
    expect(await sweep(services)).toEqual({ visited: 2, failed: 1 });
    expect(published).toEqual([attemptOf(good)]);
    expect((await pipeline.record(bad.run.id)).state.dueAt).not.toBeNull();
  });
});
