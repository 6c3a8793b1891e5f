import { pathsOf } from "../../../functions/attempts/attempt-outcome.ts";
import { recordBuildStatus } from "../../../functions/attempts/record-build-status.ts";
import { submitBuild } from "../../../functions/attempts/submit-build.ts";
import { sweep } from "../../../functions/attempts/sweep.ts";
import { TIMING } from "../../../shared/limits.ts";
import { answering, attemptOf, pass, putClaim } from "../../support/attempts.ts";
import { eventually } from "../../support/eventually.ts";
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
      // Accepted, submitting, queued, and told of.
      version: 4,
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

  test("a secret that is refused by now ends the run with its name and the setting", async () => {
    await using pipeline = await startPipeline({
      env: { RUNYARD_SECRET_PREFIXES: '{"owner": ["own-"]}' },
    });
    const secret = "projects/pipeline/secrets/own-token/versions/latest";
    const repository = { url: "https://git.example/r", credential: { secret } };
    const run = await pipeline.accept("Do it", { environment: { TOKEN: { secret } }, repository });
    const { secretRule } = pipeline.services;
    const taken = { ...secretRule, prefixes: new Map([["another", ["own-"]]]) };
    await submitBuild({ ...pipeline.services, secretRule: taken }, attemptOf(run));
    expect((await pipeline.record(run.run.id)).run).toMatchObject({
      status: "failed",
      attempt: 1,
      error: {
        code: "secret_refused",
        kind: "request",
        retryable: false,
        message: expect.stringMatching(
          `TOKEN from ${secret} is not for owner.*RUNYARD_SECRET_PREFIXES.*; the repository's credential from ${secret} is`,
        ),
      },
    });
    expect(await pipeline.builds()).toEqual([]);
  });

  test.each([
    ["missing", "secret_missing", "gcloud secrets create own-missing --project=pipeline"],
    ["closed", "secret_unreadable", "own-closed/versions/1: rpc error: code = PermissionDenied"],
  ])("a secret that is %s ends the run at once and says what to do", async (id, code, says) => {
    await using pipeline = await startPipeline({
      env: { RUNYARD_SECRET_PREFIXES: '{"owner": ["own-"]}' },
      secrets(name) {
        if (name.includes("closed")) throw new Error("chmod 600 it");
        return name.includes("key") ? "key" : undefined;
      },
    });
    const secret = `projects/pipeline/secrets/own-${id}/versions/1`;
    const run = await pipeline.accept("Do it", { environment: { TOKEN: { secret } } });
    await submitBuild(pipeline.services, attemptOf(run));
    const message = await eventually(() => {
      const over = pipeline.messages.find(({ status }) => status === "FAILURE");
      if (over === undefined) throw new Error("the build is not over");
      return over;
    });
    await recordBuildStatus(pipeline.services, message);
    const { run: ended } = await pipeline.record(run.run.id);
    expect(ended).toMatchObject({
      status: "failed",
      attempt: 1,
      error: { code, retryable: false },
    });
    expect(ended.error?.message).toContain(secret);
    expect(ended.error?.message).toContain(says);
    expect(await pipeline.builds()).toHaveLength(1);
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
    expect(waiting.history.at(-1)?.cause).toContain("took too long");
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
    await pass(pipeline, TIMING.lease + 1);
    await sweep(pipeline.services);
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
    await pass(pipeline, TIMING.lease + 1);
    await sweep(pipeline.services);
    const { state } = await pipeline.record(run.run.id);
    expect(state).toMatchObject({ phase: "running", attempt: 1, build: { id: build?.id } });
  });
});
