import { Storage } from "@google-cloud/storage";
import { submitBuild } from "../../../functions/attempts/submit-build.ts";
import { sweep } from "../../../functions/attempts/sweep.ts";
import type { Creation } from "../../../functions/services/builds.ts";
import type { Services } from "../../../functions/services/services.ts";
import { CAPACITY, RETRY_LIMITS, TIMING } from "../../../shared/limits.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import { attemptOf, pass, withBuilds } from "../../support/attempts.ts";
import { type Pipeline, shellImage, startPipeline } from "../../support/pipeline.ts";

const recordOf = (pipeline: Pipeline, { run }: RunRecord) => pipeline.record(run.id);

async function inputsOf({ run }: RunRecord): Promise<string[]> {
  const bucket = new Storage({ projectId: "pipeline" }).bucket("bucket");
  const [files] = await bucket.getFiles({ prefix: `attempts/${run.id}/` });
  return files.map(({ name }) => name).filter((name) => name.includes("input"));
}

/** Time passes; a sweep comes, and a message for each run. */
async function tick(
  pipeline: Pipeline,
  services: Services,
  { runs, seconds }: { runs: RunRecord[]; seconds: number },
): Promise<void> {
  await pass(pipeline, seconds);
  await sweep(services);
  for (const run of runs) {
    const now = await recordOf(pipeline, run);
    await submitBuild(services, attemptOf(now)).catch(() => undefined);
  }
}

describe("an outage of Cloud Build", () => {
  const down = (services: Services, kind: Creation["kind"] = "unknown") => {
    let creates = 0;
    return {
      creates: () => creates,
      services: withBuilds(services, {
        async create() {
          creates += 1;
          return { kind, message: "Cloud Build is away" } as Creation;
        },
        listLive: () => Promise.reject(new Error("Cloud Build is away")),
      }),
    };
  };

  test("of any length costs the first three a submission, and those that wait none", async () => {
    await using pipeline = await startPipeline({ images: shellImage("sleep 600") });
    const { services, creates } = down(pipeline.services);
    const runs: RunRecord[] = [];
    for (let i = 0; i < 6; i += 1) runs.push(await pipeline.accept());
    for (const run of runs) await submitBuild(services, attemptOf(run)).catch(() => undefined);
    expect(creates()).toBe(3);
    for (let minutes = 0; minutes < 30; minutes += 2)
      await tick(pipeline, services, { runs, seconds: 120 });
    expect(creates()).toBe(3);
    const records = await Promise.all(runs.map((run) => recordOf(pipeline, run)));
    expect(records.map(({ state }) => state.lostSubmissions)).toEqual([1, 1, 1, 0, 0, 0]);
    // It is back: all of them go on.
    const submitted = new Set<string>();
    for (let ticks = 0; ticks < 4; ticks += 1) {
      const seconds = CAPACITY.maxPause;
      await tick(pipeline, pipeline.services, { runs, seconds });
      const records = await Promise.all(runs.map((run) => recordOf(pipeline, run)));
      const queued = records.filter(({ state }) => state.phase === "queued");
      for (const { run } of queued) submitted.add(run.id);
    }
    expect(submitted.size).toBe(runs.length);
  }, 240_000);

  test("refusals for now make one input and keep the history's beginning", async () => {
    await using pipeline = await startPipeline();
    const run = await pipeline.accept();
    const { services } = down(pipeline.services, "deferred");
    for (let i = 0; i < 30; i += 1) {
      await submitBuild(services, attemptOf(run));
      await pass(pipeline, CAPACITY.maxPause);
      await sweep(services);
    }
    expect(await inputsOf(run)).toHaveLength(1);
    await submitBuild(pipeline.services, attemptOf(run));
    const { run: now, state } = await recordOf(pipeline, run);
    expect(state.phase).toBe("queued");
    expect(now.history[0]).toMatchObject({ version: 1, cause: "accepted" });
    expect(await inputsOf(run)).toHaveLength(1);
  }, 240_000);

  test("a permission that is missing may come for an hour, then the run ends with the reason", async () => {
    await using pipeline = await startPipeline();
    const run = await pipeline.accept();
    const { services } = down(pipeline.services, "denied");
    await submitBuild(services, attemptOf(run));
    const { run: waiting } = await recordOf(pipeline, run);
    expect(waiting.why).toContain("Cloud Build denies it, which may pass: Cloud Build is away");
    await pass(pipeline, CAPACITY.denied / 2);
    await sweep(services);
    await submitBuild(services, attemptOf(run));
    expect((await recordOf(pipeline, run)).run.status).toBe("pending");
    await pass(pipeline, CAPACITY.denied / 2 + 60);
    await sweep(services);
    await submitBuild(services, attemptOf(run));
    expect((await recordOf(pipeline, run)).run.error).toMatchObject({
      code: "build_rejected",
      message: expect.stringContaining("Cloud Build is away"),
    });
  });
});

test("submissions that come to nothing wait longer each time, and end", async () => {
  await using pipeline = await startPipeline();
  const run = await pipeline.accept();
  const services = withBuilds(pipeline.services, {
    create: async () => ({ kind: "unknown", message: "?" }),
  });
  const waits: number[] = [];
  for (let i = 0; i < RETRY_LIMITS.maxLostSubmissions; i += 1) {
    await submitBuild(services, attemptOf(await recordOf(pipeline, run)));
    await pass(pipeline, TIMING.lease + 1);
    await sweep(services);
    const { run: now, state } = await recordOf(pipeline, run);
    waits.push(((state.notBefore?.getTime() ?? 0) - now.updatedAt.getTime()) / 1000);
    await pass(pipeline, CAPACITY.maxPause);
    await services.capacity.changeTarget("test", (target) => ({ ...target, pausedUntil: null }));
    await sweep(services);
  }
  const most = [30, 60, 120, 240, 480];
  waits.forEach((wait, i) => {
    expect(wait).toBeGreaterThanOrEqual((most[i] ?? 0) / 2 - 1);
    expect(wait).toBeLessThanOrEqual(most[i] ?? 0);
  });
}, 240_000);
