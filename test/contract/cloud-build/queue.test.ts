import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { standInTest } from "../declared.ts";
import { fakeClock } from "./fake-clock.ts";
import { countSleeping, parentOf, processesWith, sleepers, uniqueSleep } from "./live-processes.ts";
import { BUCKET, PROJECT } from "./surroundings.ts";
import { bash, buildOf, connect, eventually, PARENT, startWorld } from "./world.ts";

standInTest("with one place builds run one after the other, in the order of creation", async () => {
  await using world = await startWorld({ concurrentBuilds: 1 });
  const first = await world.create({ steps: [bash("sleep 0.2")] });
  const second = await world.create({ steps: [bash("exit 0")] });
  await eventually(() => world.statuses(first.id).includes("WORKING"));
  expect((await world.get(second.name)).status).toBe("QUEUED");
  await world.finished(second);
  const order = world.messages.map(({ attributes }) => [
    attributes["buildId"],
    attributes["status"],
  ]);
  const at = (id: string, status: string) => order.findIndex((o) => o[0] === id && o[1] === status);
  expect(at(first.id, "SUCCESS")).toBeLessThan(at(second.id, "WORKING"));
});

standInTest("a build that waits longer than its queueTtl expires, and never runs", async () => {
  const clock = fakeClock();
  await using world = await startWorld({ clock, concurrentBuilds: 1 });
  const first = await world.create({ steps: [bash("sleep 600")] });
  const byDefault = await world.create({ steps: [bash("exit 0")], tags: ["default"] });
  const short = await world.create({ steps: [bash("exit 0")], queueTtl: { seconds: 10 } });
  await eventually(() => world.statuses(first.id).includes("WORKING"));
  clock.advance(9_999);
  expect((await world.get(short.name)).status).toBe("QUEUED");
  clock.advance(1);
  expect((await world.finished(short)).status).toBe("EXPIRED");
  expect((await world.get(byDefault.name)).status).toBe("QUEUED");
  clock.advance(3_600_000 - 10_000);
  expect((await world.finished(byDefault)).status).toBe("EXPIRED");
  expect(world.statuses(byDefault.id)).toEqual(["QUEUED", "EXPIRED"]);
});

standInTest(
  "after a restart queued builds run, and those that were working have ended",
  async () => {
    await using world = await startWorld({ concurrentBuilds: 1 });
    const working = await world.create({ steps: [bash("sleep 600")], logsBucket: BUCKET });
    const queued = await world.create({ steps: [bash("exit 0")] });
    await eventually(() => world.statuses(working.id).includes("WORKING"));
    await world.restart();
    expect((await world.finished(working)).status).toBe("INTERNAL_ERROR");
    expect((await world.finished(queued)).status).toBe("SUCCESS");
    expect(world.statuses(working.id)).toEqual(["QUEUED", "WORKING", "INTERNAL_ERROR"]);
    expect(world.statuses(queued.id)).toEqual(["QUEUED", "WORKING", "SUCCESS"]);
    const log = await world.objects.find(`log-${working.id}.txt`);
    expect(log?.text).toContain("worker of this build was lost");
  },
);

standInTest(
  "a message that nobody took is published again, in order, also after a restart",
  async () => {
    const clock = fakeClock();
    let refusals = 0;
    const taken: string[] = [];
    await using world = await startWorld({
      clock,
      publish() {
        refusals += 1;
        throw new Error("no");
      },
    });
    const build = await world.create({ steps: [bash("exit 0")] });
    await eventually(async () => (await world.get(build.name)).status === "SUCCESS");
    const before = refusals;
    clock.advance(500);
    await eventually(() => refusals > before);
    await world.restart({
      clock,
      publish: (_project, { attributes }) => void taken.push(attributes["status"] ?? ""),
    });
    await eventually(() => taken.length === 3);
    expect(taken).toEqual(["QUEUED", "WORKING", "SUCCESS"]);
  },
);

async function startHost(folder: string): Promise<{ host: ChildProcess; port: number }> {
  const script = new URL("./host.ts", import.meta.url).pathname;
  const host = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script, folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(host.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  return { host, port: Number(line.toString()) };
}

standInTest(
  "when the service is killed its builds' processes die, and the next start goes on",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "cloud-build-killed-"));
    const mark = uniqueSleep();
    const { host, port } = await startHost(folder);
    const client = connect({ port });
    const steps = [bash(`echo started >> ${folder}/starts; ${sleepers(mark)}`)];
    const [operation] = await client.createBuild({
      parent: PARENT,
      projectId: PROJECT,
      build: { steps, logsBucket: "logs" },
    });
    await eventually(() => countSleeping(mark) === 4);
    host.kill("SIGKILL");
    await once(host, "exit");
    await client.close();
    await eventually(() => processesWith(mark).length === 0);

    await using world = await startWorld({ directory: join(folder, "state") });
    const build = buildOf(operation);
    expect((await world.finished(build)).status).toBe("INTERNAL_ERROR");
    expect(world.statuses(build.id)).toEqual(["QUEUED", "WORKING", "INTERNAL_ERROR"]);
    expect(processesWith(mark)).toEqual([]);
    rmSync(folder, { recursive: true, force: true });
  },
);

standInTest.each(["WORKING", "CANCELLED"])(
  "when the service and its reaper are killed, the next start kills what a %s build left",
  async (status) => {
    const folder = mkdtempSync(join(tmpdir(), "cloud-build-killed-"));
    const mark = uniqueSleep();
    const { host, port } = await startHost(folder);
    const client = connect({ port });
    const build = { steps: [bash(sleepers(mark))], logsBucket: "logs" };
    await client.createBuild({ parent: PARENT, projectId: PROJECT, build });
    await eventually(() => countSleeping(mark) === 4);
    process.kill(host.pid ?? 0, "SIGSTOP");
    for (const pid of childrenOf(host.pid ?? 0, "reaper.ts")) process.kill(pid, "SIGKILL");
    host.kill("SIGKILL");
    await once(host, "exit");
    await client.close();
    expect(countSleeping(mark)).toBe(4);
    // As if a cancel had been committed just before.
    const database = new DatabaseSync(join(folder, "state", "cloud-build.db"));
    database.prepare("UPDATE builds SET status = ?").run(status);
    database.close();
    await using _world = await startWorld({ directory: join(folder, "state") });
    expect(processesWith(mark)).toEqual([]);
    rmSync(folder, { recursive: true, force: true });
  },
);

function childrenOf(parent: number, mark: string): number[] {
  return processesWith(mark).filter((pid) => parentOf(pid) === parent);
}
