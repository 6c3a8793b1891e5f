import { pathsOf } from "../../../functions/attempts/attempt-outcome.ts";
import { submitBuild } from "../../../functions/attempts/submit-build.ts";
import { sweep } from "../../../functions/attempts/sweep.ts";
import { TIMING } from "../../../shared/limits.ts";
import { answering, attemptOf, later, putClaim } from "../../support/attempts.ts";
import { shellImage, startPipeline } from "../../support/pipeline.ts";

describe("submit-build", () => {
  test("ten deliveries of one message make one build", async () => {
    await using pipeline = await startPipeline();
    const run = await pipeline.accept();
    await Promise.all(
      Array.from({ length: 10 }, () => submitBuild(pipeline.services, attemptOf(run))),
    );
    expect(await pipeline.builds()).toHaveLength(1);
    expect((await pipeline.record(run.run.id)).state).toMatchObject({
      phase: "queued",
      version: 3,
    });
  });

  test("a message that comes before its run is there asks to come again", async () => {
    await using pipeline = await startPipeline();
    const message = { runId: `run_${"0".repeat(22)}`, attempt: 1 };
    await expect(submitBuild(pipeline.services, message)).rejects.toMatchObject({
      code: "unavailable",
      retry: true,
    });
  });

  test("a message that is none is given up", async () => {
    await using pipeline = await startPipeline();
    await expect(submitBuild(pipeline.services, { run: 1 })).rejects.toMatchObject({
      retry: false,
    });
  });

  test("a build that Cloud Build refuses fails the run with Cloud Build's reason", async () => {
    await using pipeline = await startPipeline();
    const run = await pipeline.accept();
    const settings = {
      ...pipeline.services.settings,
      logsBucket: "not a bucket",
      modelKeySecret: "x",
    };
    await submitBuild({ ...pipeline.services, settings }, attemptOf(run));
    const { run: ended } = await pipeline.record(run.run.id);
    expect(ended).toMatchObject({
      status: "failed",
      error: { code: "build_rejected", retryable: false },
    });
    expect(ended.error?.message.length).toBeGreaterThan("Cloud Build refused the build: ".length);
  });

  test("over quota the run waits and goes on when its time has come", async () => {
    await using pipeline = await startPipeline({ createsPerMinute: 1 });
    const [first, second] = [await pipeline.accept(), await pipeline.accept()];
    await submitBuild(pipeline.services, attemptOf(first));
    await submitBuild(pipeline.services, attemptOf(second));
    const waiting = await pipeline.record(second.run.id);
    expect(waiting.state).toMatchObject({ phase: "pending", leaseTaken: true, attempt: 1 });
    expect(waiting.run.why).toContain("no more builds");
    await submitBuild(pipeline.services, attemptOf(second));
    expect((await pipeline.record(second.run.id)).state.phase).toBe("pending");
  });

  test("an upload that took too long is not followed by a CreateBuild", async () => {
    await using pipeline = await startPipeline();
    const run = await pipeline.accept();
    let calls = 0;
    const now = () => new Date(Date.now() + 30_000 * Math.min(calls++, 1));
    await submitBuild({ ...pipeline.services, now }, attemptOf(run));
    expect(await pipeline.builds()).toEqual([]);
    const { run: waiting, state } = await pipeline.record(run.run.id);
    expect(state).toMatchObject({ phase: "pending", attempt: 1 });
    expect(waiting.why).toContain("took too long");
  });

  test.each([
    ["although it was made: its build, which never claims, is replaced", true],
    ["and it was not made: it is replaced", false],
  ])("CreateBuild without a known outcome, %s", async (_name, creates) => {
    await using pipeline = await startPipeline({ images: shellImage("sleep 600") });
    const run = await pipeline.accept();
    await submitBuild(answering(pipeline.services, "unknown", creates), attemptOf(run));
    expect((await pipeline.record(run.run.id)).state.phase).toBe("submitting");
    await sweep(pipeline.services);
    expect((await pipeline.record(run.run.id)).state.phase).toBe("submitting");
    await sweep(later(pipeline.services, TIMING.lease + 1));
    const { state } = await pipeline.record(run.run.id);
    expect(state).toMatchObject({ phase: "pending", attempt: 2, failures: 0, lostSubmissions: 1 });
    const claim = await pipeline.services.artifacts.claimOf(pathsOf(run));
    expect(claim).toMatchObject({ by: "seal" });
  });

  test("CreateBuild without a known outcome, whose build has the claim: it is adopted", async () => {
    await using pipeline = await startPipeline({ images: shellImage("sleep 600") });
    const run = await pipeline.accept();
    await submitBuild(answering(pipeline.services, "unknown", true), attemptOf(run));
    const [build] = await pipeline.builds();
    await putClaim(pipeline, run, build?.id ?? "");
    await sweep(later(pipeline.services, TIMING.lease + 1));
    const { state } = await pipeline.record(run.run.id);
    expect(state).toMatchObject({ phase: "running", attempt: 1, build: { id: build?.id } });
  });
});
