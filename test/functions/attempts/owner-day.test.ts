import { gunzipSync } from "node:zlib";
import { Firestore } from "@google-cloud/firestore";
import { Storage } from "@google-cloud/storage";
import { pathsOf } from "../../../functions/attempts/attempt-outcome.ts";
import { recordBuildStatus } from "../../../functions/attempts/record-build-status.ts";
import { applyEvent } from "../../../functions/attempts/settle-attempt.ts";
import { submitBuild } from "../../../functions/attempts/submit-build.ts";
import { inputObject } from "../../../shared/documents/attempt.ts";
import { sha256 } from "../../../shared/hash.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import { attemptOf, manifestOf, putClaim, putObject } from "../../support/attempts.ts";
import { eventually } from "../../support/eventually.ts";
import { type Pipeline, startPipeline } from "../../support/pipeline.ts";

const DIME = { RUNYARD_DAILY_BUDGETS: '{"owner": 0.1}' };
const OTHERS = /^Waiting for its owner's budget of the day/;

/** What the owner's day has, in millionths of a USD. */
async function dayOf({ config }: Pipeline): Promise<{ spentMicros: number; asideMicros: number }> {
  const firestore = new Firestore({ projectId: config.projectId });
  const day = (await firestore.doc(`spending/${sha256("owner")}`).get()).data();
  await firestore.terminate();
  return { spentMicros: day?.["spentMicros"], asideMicros: day?.["asideMicros"] };
}

/** Lets a run that waits be asked again at once. */
async function wake({ config }: Pipeline, { run }: RunRecord): Promise<void> {
  const firestore = new Firestore({ projectId: config.projectId });
  await firestore.doc(`runState/${run.id}`).update({ notBefore: null });
  await firestore.terminate();
}

/** What a build was told that it may spend of its owner's day. */
async function toldTo({ services }: Pipeline, record: RunRecord): Promise<number> {
  const bucket = new Storage({ projectId: "pipeline" }).bucket(services.artifacts.bucketName);
  const [archive] = await bucket.file(inputObject(pathsOf(record), 2)).download();
  return Number(/"ownerBudgetUsd":([0-9.]+)/.exec(gunzipSync(archive).toString())?.[1]);
}

/** Ends the build of a run; `costUsd` undefined: it left no manifest. */
async function endBuild(pipeline: Pipeline, record: RunRecord, costUsd?: number): Promise<void> {
  const id = (await pipeline.record(record.run.id)).state.build?.id ?? "";
  await putClaim(pipeline, record, id);
  if (costUsd !== undefined) {
    const manifest = manifestOf(record, id);
    const rest = { earlierUsd: 0, inputTokens: 1, outputTokens: 1, isExhausted: false };
    const facts = { ...manifest.facts, spending: { costUsd, ...rest } };
    await putObject(pipeline.services, pathsOf(record).manifest, { ...manifest, facts });
  }
  const message = await eventually(() => {
    const over = pipeline.messages.find((one) => one.id === id && one.status === "SUCCESS");
    if (over === undefined) throw new Error("the build is not over");
    return over;
  });
  // As Pub/Sub does: more than once, and at the same time.
  await Promise.all([1, 2, 3].map(() => recordBuildStatus(pipeline.services, message)));
}

test("fifty runs at once have no more than what is left of the day", async () => {
  await using pipeline = await startPipeline({ env: DIME, slots: 60, concurrentBuilds: 60 });
  const { services } = pipeline;
  const runs = await Promise.all(Array.from({ length: 50 }, () => pipeline.accept()));
  const submitted = await Promise.allSettled(
    runs.map((run) => submitBuild(services, attemptOf(run))),
  );
  expect(submitted.filter(({ status }) => status === "rejected")).toEqual([]);
  const records = await Promise.all(runs.map(({ run }) => pipeline.record(run.id)));
  const at = records.filter(({ state }) => state.phase === "queued");
  expect(at.map(({ state }) => state.asideMicros)).toEqual([100_000]);
  expect(records.filter(({ run }) => OTHERS.test(run.why))).toHaveLength(49);
  expect(await dayOf(pipeline)).toEqual({ spentMicros: 0, asideMicros: 100_000 });
  expect(await toldTo(pipeline, at[0] as RunRecord)).toBe(0.1);

  await endBuild(pipeline, at[0] as RunRecord, 0.06);
  expect(await dayOf(pipeline)).toEqual({ spentMicros: 60_000, asideMicros: 0 });
  const waiting = records.filter(({ state }) => state.phase === "pending").slice(0, 5);
  for (const one of waiting) await wake(pipeline, one);
  await Promise.all(waiting.map((one) => submitBuild(services, attemptOf(one))));
  const second = await Promise.all(waiting.map(({ run }) => pipeline.record(run.id)));
  const next = second.filter(({ state }) => state.phase === "queued");
  expect(next.map(({ state }) => state.asideMicros)).toEqual([40_000]);

  await endBuild(pipeline, next[0] as RunRecord, 0.035);
  expect(await dayOf(pipeline)).toEqual({ spentMicros: 95_000, asideMicros: 0 });
  const [last] = second.filter(({ state }) => state.phase === "pending") as [RunRecord];
  await wake(pipeline, last);
  await submitBuild(services, attemptOf(last));
  expect((await pipeline.record(last.run.id)).run).toMatchObject({
    status: "failed",
    error: {
      code: "budget_exhausted",
      message: expect.stringContaining("owner's budget of the day"),
    },
  });
  await expect(pipeline.accept()).rejects.toMatchObject({ code: "budget_spent", retry: true });
  expect((await pipeline.builds()).length).toBe(2);
}, 120_000);

test("a build that left nothing has spent what was set aside for it", async () => {
  await using pipeline = await startPipeline({ env: DIME });
  const run = await pipeline.accept();
  await submitBuild(pipeline.services, attemptOf(run));
  await endBuild(pipeline, run);
  expect(await dayOf(pipeline)).toEqual({ spentMicros: 100_000, asideMicros: 0 });
});

test("a build without an agent, and a cancelled one, give back what they had", async () => {
  await using pipeline = await startPipeline({ env: { RUNYARD_DAILY_BUDGETS: '{"*": 20}' } });
  const { services } = pipeline;
  const [refused, cancelled] = [await pipeline.accept(), await pipeline.accept()];
  const settings = { ...services.settings, logsBucket: "not a bucket", modelKeySecret: "x" };
  await submitBuild({ ...services, settings }, attemptOf(refused));
  await submitBuild(services, attemptOf(cancelled));
  expect(await dayOf(pipeline)).toEqual({ spentMicros: 0, asideMicros: 5_000_000 });
  await applyEvent(services, cancelled.run.id, { type: "cancel" });
  expect((await pipeline.record(cancelled.run.id)).run.status).toBe("cancelled");
  expect(await dayOf(pipeline)).toEqual({ spentMicros: 0, asideMicros: 0 });
});

test("without a budget nothing is read or written of a day", async () => {
  await using pipeline = await startPipeline();
  const run = await pipeline.accept();
  await submitBuild(pipeline.services, attemptOf(run));
  expect((await pipeline.record(run.run.id)).state).toMatchObject({ phase: "queued" });
  expect(await dayOf(pipeline)).toEqual({ spentMicros: undefined, asideMicros: undefined });
});
