import { Firestore } from "@google-cloud/firestore";
import { pathsOf } from "../../../functions/attempts/attempt-outcome.ts";
import { submitBuild } from "../../../functions/attempts/submit-build.ts";
import { sweep } from "../../../functions/attempts/sweep.ts";
import { TIMING } from "../../../shared/limits.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import { shardOf } from "../../../shared/shard.ts";
import {
  attemptOf,
  pass,
  submittedRun,
  withBuilds,
  withPublisher,
} from "../../support/attempts.ts";
import { type Pipeline, shellImage, startPipeline, TRACE } from "../../support/pipeline.ts";

const recordOf = (pipeline: Pipeline, { run }: RunRecord) => pipeline.record(run.id);

describe("the sweep", () => {
  test("reaches everybody, whoever fails before, and comes back to those ever more seldom", async () => {
    await using pipeline = await startPipeline();
    const good = await pipeline.accept();
    const firestore = new Firestore({ projectId: pipeline.config.projectId });
    const bulk = firestore.bulkWriter();
    const old = new Date("2026-01-01T00:00:00Z");
    // No run belongs to these states, and no sweep can do anything about them.
    for (let i = 0; i < 1100; i += 1) {
      const id = `broken-${i}`;
      void bulk.create(firestore.doc(`runState/${id}`), { ...good.state, dueAt: old });
      void bulk.create(firestore.doc(`runs/${id}`), { ...good.run, id, schemaVersion: 99 });
    }
    await bulk.close();
    await pass(pipeline, TIMING.pendingDue + 1);
    const published: string[] = [];
    const publishAttempt = async ({ runId }: { runId: string }) => void published.push(runId);
    const services = withPublisher(pipeline.services, publishAttempt);
    const swept = await sweep(services);
    expect(published).toEqual([good.run.id]);
    expect(swept).toEqual({ visited: 1101, failed: 1100 });
    await firestore.terminate();
  }, 240_000);

  test("finds what is due in each shard, and what an earlier revision wrote, by the time alone", async () => {
    await using pipeline = await startPipeline();
    const firestore = new Firestore({ projectId: pipeline.config.projectId });
    const states = firestore.collection("runState");
    const { state } = await pipeline.accept();
    const bulk = firestore.bulkWriter();
    // More than a page of them, so that the next pages are asked for; each fifth has no shard.
    for (let n = 0; n < 700; n += 1) {
      const { acceptedAt, ...rest } = state;
      const dueAt = new Date(Date.UTC(2026, 0, 1) + n * 1000);
      const shard = n % 5 === 0 ? {} : { shard: shardOf(`run-${n}`) };
      void bulk.create(states.doc(`run-${n}`), { ...rest, acceptedAt, dueAt, ...shard });
    }
    await bulk.close();
    const now = new Date(Date.UTC(2026, 0, 2));
    const found: string[][] = [];
    for await (const page of pipeline.services.runs.due(now)) found.push(page);
    const nth = (id: string) => Number(id.slice("run-".length));
    expect(
      found
        .flat()
        .map(nth)
        .sort((a, b) => a - b),
    ).toEqual([...Array(700).keys()]);
    // Those that are due longest come first, whichever revision wrote them.
    expect(found[0]?.slice(0, 500).map(nth)).toEqual([...Array(500).keys()]);
    // An earlier revision asks so, and finds what this one writes.
    const asBefore = states.where("dueAt", ">", now).where("dueAt", "<=", new Date("2100-01-01"));
    expect((await asBefore.orderBy("dueAt").get()).size).toBe(1);
    await firestore.terminate();
  });

  test("backs off from a run that it cannot move", async () => {
    await using pipeline = await startPipeline();
    const run = await pipeline.accept();
    const traces: unknown[] = [];
    const publishAttempt = (_message: object, trace: unknown) => {
      traces.push(trace);
      return Promise.reject(new Error("as the test wants it"));
    };
    const services = withPublisher(pipeline.services, publishAttempt);
    const waits: number[] = [];
    for (let i = 0; i < 4; i += 1) {
      await pass(pipeline, 4000);
      const before = Date.now();
      await sweep(services);
      const { state } = await recordOf(pipeline, run);
      waits.push(Math.round(((state.dueAt?.getTime() ?? 0) - before) / 1000 / 60));
    }
    expect(waits).toEqual([1, 2, 4, 8]);
    expect(traces).toEqual([TRACE, TRACE, TRACE, TRACE]);
  });

  test.each([-300, 300])(
    "of an instance whose clock is %i s off seals and ends nothing",
    async (seconds) => {
      await using pipeline = await startPipeline({ images: shellImage("sleep 600") });
      const now = () => new Date(Date.now() + seconds * 1000);
      const skewed = { ...pipeline.services, now };
      const leased = await pipeline.accept();
      const unanswered = withBuilds(skewed, {
        create: async () => ({ kind: "unknown", message: "?" }),
      });
      await submitBuild(unanswered, attemptOf(leased));
      const submitted = await submittedRun(pipeline);
      await sweep(skewed);
      for (const run of [leased, submitted]) {
        expect(await skewed.artifacts.claimOf(pathsOf(run))).toBeUndefined();
        expect((await recordOf(pipeline, run)).state.attempt).toBe(1);
      }
    },
  );
});
