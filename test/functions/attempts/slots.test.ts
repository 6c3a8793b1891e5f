import { Firestore } from "@google-cloud/firestore";
import { recordBuildStatus } from "../../../functions/attempts/record-build-status.ts";
import { applyEvent } from "../../../functions/attempts/settle-attempt.ts";
import { submitBuild } from "../../../functions/attempts/submit-build.ts";
import { sweep } from "../../../functions/attempts/sweep.ts";
import type { Services } from "../../../functions/services/services.ts";
import type { Slot } from "../../../shared/capacity/slot.ts";
import { TIMING } from "../../../shared/limits.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import { answering, attemptOf, buildsOf, pass } from "../../support/attempts.ts";
import { eventually } from "../../support/eventually.ts";
import { type Pipeline, shellImage, startPipeline } from "../../support/pipeline.ts";

const LIVE = ["QUEUED", "WORKING"];

async function documentsOf<T>({ config }: Pipeline, collection: string): Promise<T[]> {
  const firestore = new Firestore({ projectId: config.projectId });
  const { docs } = await firestore.collection(collection).get();
  await firestore.terminate();
  return docs.map((document) => document.data() as T);
}

const slotsOf = (pipeline: Pipeline) => documentsOf<Slot>(pipeline, "slots");
const stateOf = async (pipeline: Pipeline, { run }: RunRecord) =>
  (await pipeline.record(run.id)).state;
const liveBuilds = async (pipeline: Pipeline) =>
  (await pipeline.builds()).filter(({ status }) => LIVE.includes(status));

/** Pub/Sub between the handlers: each message of `run-requests` is delivered once, in its turn. */
function delivering({ services }: Pipeline) {
  const messages: object[] = [];
  const publish = async (message: object) => void messages.push(message);
  const publisher = {
    ...services.publisher,
    publishAttempt: publish,
    publishAdmission: publish,
    publishEvent: async () => {},
  };
  const own: Services = { ...services, publisher };
  return {
    services: own,
    async deliver() {
      for (let next = messages.shift(); next !== undefined; next = messages.shift()) {
        await submitBuild(own, next);
      }
    },
  };
}

/** Ends a build as its own step would, and tells of it. */
async function endBuild(services: Services, pipeline: Pipeline, id: string): Promise<void> {
  const build = (await pipeline.builds()).find((one) => one.id === id);
  await services.builds.cancel({ id, name: `${services.builds.parent}/builds/${id}` });
  await eventually(async () => {
    expect((await liveBuilds(pipeline)).map((one) => one.id)).not.toContain(id);
  });
  await recordBuildStatus(services, { ...build, status: "CANCELLED" });
}

test("as many builds are live as there are slots; the rest wait and are served in their order", async () => {
  await using pipeline = await startPipeline({ slots: 2, images: shellImage("sleep 600") });
  const { services, deliver } = delivering(pipeline);
  const runs: RunRecord[] = [];
  for (let i = 0; i < 5; i += 1) runs.push(await pipeline.accept());
  for (const run of runs) await submitBuild(services, attemptOf(run));
  expect(await liveBuilds(pipeline)).toHaveLength(2);
  const waiting = await pipeline.record(runs[4]?.run.id ?? "");
  expect(waiting.run).toMatchObject({ status: "pending", why: "Waiting for a build slot." });
  await pipeline.accept();
  const { slot, no_slots, cloud_build, other } = await services.capacity.waitingRuns();
  expect({ slot, no_slots, cloud_build, other }).toEqual({
    ...{ slot: 3, no_slots: 0, cloud_build: 2, other: 1 },
  });
  const begun: string[] = [];
  for (let ended = 0; ended < 3; ended += 1) {
    const before = await liveBuilds(pipeline);
    await endBuild(services, pipeline, before[0]?.id ?? "");
    await deliver();
    const live = await liveBuilds(pipeline);
    expect(live).toHaveLength(2);
    const started = live.find(({ id }) => !before.some((one) => one.id === id));
    begun.push(started?.tags[1] ?? "");
  }
  expect(begun).toEqual(runs.slice(2).map(({ run }) => run.id));
  for (const { id } of await liveBuilds(pipeline)) await endBuild(services, pipeline, id);
  expect(await documentsOf(pipeline, "lines")).toEqual([
    expect.not.objectContaining({ waiting: true }),
  ]);
  expect((await slotsOf(pipeline)).map(({ state }) => state)).toEqual(["free", "free"]);
}, 240_000);

test("whoever holds none is next, however many others wait", async () => {
  await using pipeline = await startPipeline({ slots: 2, images: shellImage("sleep 600") });
  const { services, deliver } = delivering(pipeline);
  for (let i = 0; i < 8; i += 1) await submitBuild(services, attemptOf(await pipeline.accept()));
  const other = await pipeline.accept("Do it", {}, "another");
  await submitBuild(services, attemptOf(other));
  expect(await stateOf(pipeline, other)).toMatchObject({ phase: "pending" });
  const [first] = await liveBuilds(pipeline);
  await endBuild(services, pipeline, first?.id ?? "");
  await deliver();
  expect(await stateOf(pipeline, other)).toMatchObject({ phase: "queued" });
});

test("a run that comes while others wait goes behind them, even if a slot is free", async () => {
  await using pipeline = await startPipeline({ slots: 1, images: shellImage("sleep 600") });
  const { services } = delivering(pipeline);
  const runs = [await pipeline.accept(), await pipeline.accept(), await pipeline.accept()];
  const [first, second, third] = runs as [RunRecord, RunRecord, RunRecord];
  for (const run of [first, second]) await submitBuild(services, attemptOf(run));
  // The slot is free, and whoever freed it has not come to give it away.
  const [slot] = await slotsOf(pipeline);
  const { holder, id } = slot as Slot;
  if (holder)
    await services.capacity.changeSlot({ id, holder, event: { type: "over", build: null } });
  await submitBuild(services, attemptOf(third));
  expect(await stateOf(pipeline, second)).toMatchObject({ slot: id, line: null });
  expect(await stateOf(pipeline, third)).toMatchObject({ slot: null });
});

test("a sweep serves those who wait, whoever died before giving a slot away", async () => {
  await using pipeline = await startPipeline({ slots: 1, images: shellImage("sleep 600") });
  const { services, deliver } = delivering(pipeline);
  const [first, second] = [await pipeline.accept(), await pipeline.accept()];
  for (const run of [first, second]) await submitBuild(services, attemptOf(run));
  const [slot] = await slotsOf(pipeline);
  const { holder, id } = slot as Slot;
  if (holder)
    await services.capacity.changeSlot({ id, holder, event: { type: "over", build: null } });
  await sweep(services);
  await deliver();
  expect(await stateOf(pipeline, second)).toMatchObject({ phase: "queued", slot: id });
});

test("cancelled while it waits, a run ends at once; with a slot and no lease the slot is free at once", async () => {
  await using pipeline = await startPipeline({ slots: 1, images: shellImage("sleep 600") });
  const { services } = delivering(pipeline);
  const runs = [await pipeline.accept(), await pipeline.accept(), await pipeline.accept()];
  const [first, second, third] = runs as [RunRecord, RunRecord, RunRecord];
  for (const run of runs) await submitBuild(services, attemptOf(run));
  await applyEvent(services, third.run.id, { type: "cancel" });
  expect((await pipeline.record(third.run.id)).run.status).toBe("cancelled");
  const [build] = await liveBuilds(pipeline);
  await endBuild(services, pipeline, build?.id ?? "");
  expect((await pipeline.record(first.run.id)).run.done).toBe(true);
  expect(await stateOf(pipeline, second)).toMatchObject({ phase: "pending", line: null });
  await applyEvent(services, second.run.id, { type: "cancel" });
  expect((await slotsOf(pipeline)).map(({ state }) => state)).toEqual(["free"]);
});

test("the build of a run that was deleted is cancelled until it is over, and holds its slot so long", async () => {
  await using pipeline = await startPipeline({ slots: 1, images: shellImage("sleep 600") });
  const { services } = delivering(pipeline);
  const run = await pipeline.accept();
  await submitBuild(services, attemptOf(run));
  // CancelBuild does not get through.
  const deaf = { ...services, builds: { ...buildsOf(services), cancel: async () => undefined } };
  await applyEvent(deaf, run.run.id, { type: "cancel" });
  await services.runs.delete(await pipeline.record(run.run.id));
  expect(await slotsOf(pipeline)).toMatchObject([{ state: "held", needed: false }]);
  await sweep(deaf);
  expect(await liveBuilds(pipeline)).toHaveLength(1);
  await pass(pipeline, TIMING.cancelStep + 1);
  await sweep(services);
  await eventually(async () => expect(await liveBuilds(pipeline)).toEqual([]));
  await pass(pipeline, TIMING.cancelStep + 1);
  await sweep(services);
  expect((await slotsOf(pipeline)).map(({ state }) => state)).toEqual(["free"]);
});

test("a create without a known outcome keeps its slot: a build that shows up is ended", async () => {
  await using pipeline = await startPipeline({ slots: 1, images: shellImage("sleep 600") });
  const { services } = delivering(pipeline);
  const run = await pipeline.accept();
  await submitBuild(answering(services, "unknown", true), attemptOf(run));
  await pass(pipeline, TIMING.lease + 1);
  await sweep(services);
  expect(await slotsOf(pipeline)).toMatchObject([{ state: "unknown", needed: false }]);
  await pass(pipeline, 121);
  await sweep(services);
  await eventually(async () => expect(await liveBuilds(pipeline)).toEqual([]));
  await pass(pipeline, 121);
  await sweep(services);
  expect(await slotsOf(pipeline)).not.toContainEqual(expect.objectContaining({ attempt: 1 }));
});

test("a create without a known outcome frees its slot once its build is told to be over", async () => {
  await using pipeline = await startPipeline({ slots: 1, images: shellImage("true") });
  const { services } = delivering(pipeline);
  const run = await pipeline.accept();
  await submitBuild(answering(services, "unknown", true), attemptOf(run));
  await pass(pipeline, TIMING.lease + 1);
  await sweep(services);
  expect(await slotsOf(pipeline)).toMatchObject([{ state: "unknown", build: null }]);
  await eventually(async () => expect(await liveBuilds(pipeline)).toEqual([]));
  const [build] = await pipeline.builds();
  const tags = build?.tags.filter((tag) => !tag.startsWith("slot.")) ?? [];
  await recordBuildStatus(services, { ...build, tags: [...tags, "slot.test.E2_STANDARD_2.1"] });
  expect(await slotsOf(pipeline)).toMatchObject([{ state: "unknown" }]);
  await recordBuildStatus(services, build);
  expect(await slotsOf(pipeline)).toMatchObject([{ state: "free" }]);
});

test("of a create without a known outcome a build of the run that has its id since is not taken for it", async () => {
  await using pipeline = await startPipeline({ slots: 2, images: shellImage("sleep 600") });
  const { services } = delivering(pipeline);
  const run = await pipeline.accept();
  await submitBuild(answering(services, "unknown", false), attemptOf(run));
  await applyEvent(services, run.run.id, { type: "cancel" });
  await services.runs.delete(await pipeline.record(run.run.id));
  const again = await pipeline.acceptAs(run.run.id);
  await submitBuild(services, attemptOf(again));
  expect((await slotsOf(pipeline)).map(({ state }) => state).sort()).toEqual(["held", "unknown"]);
  await pass(pipeline, 121);
  await sweep(services);
  expect(await liveBuilds(pipeline)).toHaveLength(1);
  expect((await slotsOf(pipeline)).map(({ needed }) => needed)).toContain(true);
});

test("a create without a known outcome and without a build frees its slot when none can be there any more", async () => {
  await using pipeline = await startPipeline({ slots: 1, images: shellImage("sleep 600") });
  const { services } = delivering(pipeline);
  const run = await pipeline.accept();
  await submitBuild(answering(services, "unknown", false), attemptOf(run));
  await pass(pipeline, TIMING.lease + 1);
  await sweep(services);
  const second = await pipeline.accept();
  await submitBuild(services, attemptOf(second));
  expect(await stateOf(pipeline, second)).toMatchObject({
    phase: "pending",
    line: expect.any(String),
  });
  await pass(pipeline, TIMING.queueTtl + TIMING.buildSetup + TIMING.grace + 21);
  await sweep(services);
  expect(await slotsOf(pipeline)).toMatchObject([
    { state: "held", holder: { attempt: expect.anything() } },
  ]);
});

test("fewer slots are given when there are to be fewer, and all of them again", async () => {
  await using pipeline = await startPipeline({ slots: 3, images: shellImage("sleep 600") });
  const { services } = delivering(pipeline);
  for (let i = 0; i < 3; i += 1) await submitBuild(services, attemptOf(await pipeline.accept()));
  const change = (n: number) =>
    services.capacity.changeTarget("test", (target) => ({
      ...target,
      slots: { E2_STANDARD_2: n },
    }));
  await change(1);
  await sweep(services);
  expect((await slotsOf(pipeline)).filter(({ retired }) => retired)).toHaveLength(2);
  for (const { id } of await liveBuilds(pipeline)) await endBuild(services, pipeline, id);
  expect(await slotsOf(pipeline)).toMatchObject([{ id: "test.E2_STANDARD_2.0", state: "free" }]);
  await change(2);
  await sweep(services);
  expect(await slotsOf(pipeline)).toHaveLength(2);
});

test("a run that waits has a place, and a time when a slot is expected once it is known how long one is held", async () => {
  await using pipeline = await startPipeline({ slots: 2, images: shellImage("sleep 600") });
  const { services } = delivering(pipeline);
  const runs: RunRecord[] = [];
  for (let i = 0; i < 5; i += 1) runs.push(await pipeline.accept());
  for (const run of runs) await submitBuild(services, attemptOf(run));
  const placeOf = async ({ run }: RunRecord) => {
    const read = await services.runs.read(run.id);
    return read && services.capacity.placeOf(read);
  };
  expect(await placeOf(runs[0] as RunRecord)).toBeUndefined();
  expect(await placeOf(runs[2] as RunRecord)).toEqual({ position: 1, startsAt: null });
  expect(await placeOf(runs[4] as RunRecord)).toEqual({ position: 3, startsAt: null });
  const { line } = await stateOf(pipeline, runs[4] as RunRecord);
  await eventually(() => expect(services.capacity.waitingIn(line ?? "")).toBe(3));
  await pass(pipeline, 100);
  const [first] = await liveBuilds(pipeline);
  await endBuild(services, pipeline, first?.id ?? "");
  const { position, startsAt } = (await placeOf(runs[4] as RunRecord)) ?? {};
  expect(position).toBe(2);
  const seconds = ((startsAt?.getTime() ?? 0) - Date.now()) / 1000;
  expect(seconds).toBeGreaterThan(60);
  expect(seconds).toBeLessThan(140);
}, 240_000);

test("where no target has a slot of its machine type a run says so while it waits", async () => {
  await using pipeline = await startPipeline({ slots: 1, images: shellImage("sleep 600") });
  const { services } = delivering(pipeline);
  const run = await pipeline.accept("Do it", { machineType: "E2_MEDIUM" });
  await submitBuild(services, attemptOf(run));
  expect((await pipeline.record(run.run.id)).run.why).toBe(
    "Waiting for a build slot: no target has any for E2_MEDIUM (npx runyard capacity --help).",
  );
  const slots = { E2_STANDARD_2: 1, E2_MEDIUM: 1 };
  await services.capacity.changeTarget("test", (target) => ({ ...target, slots }));
  // A line that waits for a machine type which no target has had until now is looked at, too.
  await sweep(services);
  expect(await stateOf(pipeline, run)).toMatchObject({ line: null, slot: expect.any(String) });
});
