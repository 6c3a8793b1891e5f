import { readdirSync } from "node:fs";
import { join } from "node:path";
import { standInTest } from "../declared.ts";
import { fakeClock } from "./fake-clock.ts";
import { countSleeping, processesWith, sleepers, uniqueSleep } from "./live-processes.ts";
import { BUCKET, PROJECT } from "./surroundings.ts";
import { bash, eventually, startWorld } from "./world.ts";

const FOUR = 4;

standInTest("cancelling a working build ends it at once, with all of its processes", async () => {
  await using world = await startWorld();
  const mark = uniqueSleep();
  const build = await world.create({ steps: [bash(sleepers(mark)), bash("exit 0")] });
  await eventually(() => countSleeping(mark) === FOUR);
  const [cancelled] = await world.client.cancelBuild({ name: build.name, projectId: PROJECT });
  expect(processesWith(mark)).toEqual([]);
  expect(cancelled).toMatchObject({ id: build.id, status: "CANCELLED" });
  expect(Number(cancelled.finishTime?.seconds)).toBeGreaterThanOrEqual(
    Number(cancelled.startTime?.seconds),
  );
  await eventually(async () => (await world.get(build.name)).steps?.[0]?.status === "CANCELLED");
  expect((await world.get(build.name)).status).toBe("CANCELLED");
  expect(world.statuses(build.id)).toEqual(["QUEUED", "WORKING", "CANCELLED"]);
});

test("cancelling ends a build that works, and its topic says so", async () => {
  await using world = await startWorld();
  const { id, name } = await world.create({ steps: [bash("sleep 600"), bash("exit 0")] });
  await eventually(async () => (await world.get(name)).status === "WORKING");
  const [cancelled] = await world.client.cancelBuild({ name, projectId: PROJECT });
  expect(cancelled).toMatchObject({ id, status: "CANCELLED" });
  await eventually(() => world.statuses(id).length === 3);
  expect(world.statuses(id).toSorted()).toEqual(["CANCELLED", "QUEUED", "WORKING"]);
  expect(await world.get(name)).toMatchObject({ status: "CANCELLED", failureInfo: null });
});

test.each([
  ["a build that works longer than its timeout", { timeout: { seconds: 1 } }, {}, "TIMEOUT"],
  ["a step that works longer than its own", {}, { timeout: { seconds: 1 } }, "FAILURE"],
])("%s is stopped", async (...[, ofBuild, ofStep, status]) => {
  await using world = await startWorld();
  const build = await world.run({ steps: [{ ...bash("sleep 600"), ...ofStep }], ...ofBuild });
  expect(build.status).toBe(status);
  expect(build.steps?.[0]?.status).toBe("TIMEOUT");
});

standInTest("a cancelled queued build never runs", async () => {
  await using world = await startWorld({ concurrentBuilds: 1 });
  const first = await world.create({ steps: [bash("sleep 600")] });
  const second = await world.create({ steps: [bash("exit 0")] });
  await world.client.cancelBuild({ name: second.name, projectId: PROJECT });
  await world.client.cancelBuild({ name: first.name, projectId: PROJECT });
  const third = await world.run({ steps: [bash("exit 0")] });
  expect(third.status).toBe("SUCCESS");
  expect(world.statuses(second.id)).toEqual(["QUEUED", "CANCELLED"]);
  expect((await world.get(second.name)).startTime).toBeFalsy();
});

test("a build that is over cannot be cancelled", async () => {
  await using world = await startWorld();
  const build = await world.run({ steps: [bash("exit 0")] });
  const cancelling = world.client.cancelBuild({ name: build.name ?? "", projectId: PROJECT });
  await expect(cancelling).rejects.toMatchObject({
    code: 9,
    details: `cannot cancel build "${build.id}" in state "SUCCESS"`,
  });
});

test("cancelling an unknown build is NOT_FOUND", async () => {
  await using world = await startWorld();
  const name = `projects/${PROJECT}/locations/us-central1/builds/none`;
  const cancelling = world.client.cancelBuild({ name, projectId: PROJECT });
  await expect(cancelling).rejects.toMatchObject({ code: 5 });
});

standInTest("a build that works longer than its timeout is stopped: TIMEOUT", async () => {
  const clock = fakeClock();
  await using world = await startWorld({ clock });
  const mark = uniqueSleep();
  const build = await world.create({
    steps: [bash(sleepers(mark))],
    timeout: { seconds: 60 },
    logsBucket: BUCKET,
  });
  await eventually(() => countSleeping(mark) === FOUR);
  clock.advance(59_999);
  expect(countSleeping(mark)).toBe(FOUR);
  clock.advance(1);
  const finished = await world.finished(build);
  expect(finished.status).toBe("TIMEOUT");
  expect(finished.steps?.[0]?.status).toBe("TIMEOUT");
  expect(finished.failureInfo).toBeFalsy();
  expect(processesWith(mark)).toEqual([]);
  const log = await world.objects.find(`log-${build.id}.txt`);
  expect(log?.text).toMatch(/TIMEOUT\nERROR: context deadline exceeded\n$/);
});

standInTest("a step that works longer than its own timeout fails the build", async () => {
  const clock = fakeClock();
  await using world = await startWorld({ clock });
  const mark = uniqueSleep();
  const build = await world.create({
    steps: [{ ...bash(`sleep ${mark}`), timeout: { seconds: 5 } }],
  });
  await eventually(() => countSleeping(mark) > 0);
  clock.advance(5_000);
  const finished = await world.finished(build);
  expect(finished.status).toBe("FAILURE");
  expect(finished.failureInfo?.detail).toContain("context deadline exceeded");
  expect(finished.steps?.[0]?.status).toBe("TIMEOUT");
  expect(processesWith(mark)).toEqual([]);
});

standInTest("what a step leaves running dies when the step is over", async () => {
  await using world = await startWorld();
  const mark = uniqueSleep();
  const build = await world.run({
    steps: [bash(`setsid sleep ${mark} & sleep 0.1`), bash(`! pgrep -f 'sleep ${mark}$'`)],
  });
  expect(build.status).toBe("SUCCESS");
  expect(processesWith(mark)).toEqual([]);
});

standInTest("a step that forgets its environment dies with its session", async () => {
  await using world = await startWorld();
  const mark = uniqueSleep();
  const build = await world.create({
    steps: [bash(`env -i sleep ${mark} & env -i setsid sleep ${mark}`)],
  });
  await eventually(() => countSleeping(mark) >= 2);
  await world.client.cancelBuild({ name: build.name, projectId: PROJECT });
  expect(processesWith(mark)).toEqual([]);
});

standInTest("a step that forks while it is being killed leaves nothing", async () => {
  await using world = await startWorld();
  const mark = uniqueSleep("20");
  const forks = `for i in $(seq 300); do env -i setsid sleep ${mark} & sleep 0.005; done; sleep ${mark}`;
  const build = await world.create({ steps: [bash(forks)] });
  await eventually(() => countSleeping(mark) > 10);
  await world.client.cancelBuild({ name: build.name, projectId: PROJECT });
  expect(processesWith(mark)).toEqual([]);
});

standInTest(
  "close leaves no process, and the build's files are gone after the next start",
  async () => {
    await using world = await startWorld();
    const mark = uniqueSleep();
    const build = await world.create({ steps: [bash(sleepers(mark))] });
    await eventually(() => countSleeping(mark) === FOUR);
    await world.service.close();
    expect(processesWith(mark)).toEqual([]);
    await world.restart();
    expect((await world.finished(build)).status).toBe("INTERNAL_ERROR");
    expect(readdirSync(join(world.folder, "state"))).not.toContain("builds");
  },
);
