import { takeClaim } from "../../../infra/agent/attempt/claim.ts";
import { objectsOf } from "../../../infra/agent/attempt/objects.ts";
import { readPrices } from "../../../infra/agent/model/prices.ts";
import { runAttempt } from "../../../infra/agent/runner.ts";
import { systemClock } from "../../../shared/clock.ts";
import { eventually } from "../../support/eventually.ts";
import { isAnyProcessWith } from "../../support/processes.ts";
import { KEY, startWorld } from "./runner-world.ts";

type World = Awaited<ReturnType<typeof startWorld>>;

/** The last argument of a command that the agent runs; by it the test finds the process. */
const markOf = (world: World): string => `${world.root}/mark`;

/** Waits until the agent runs a command with the mark. */
async function untilAgentWorks(world: World): Promise<void> {
  await eventually(() => expect(isAnyProcessWith(markOf(world))).toBe(true));
}

test.each(["bubblewrap", "none"])(
  "a cancel in mid-run stops the agent with isolation %s; its outputs are kept and nothing is left of it",
  async (isolation) => {
    await using world = await startWorld();
    const mark = markOf(world);
    const prompt = `run: echo partial > partial.txt; setsid setsid tail -f /dev/null ${mark} & timeout 60 tail -f /dev/null`;
    const { ended } = await world.start(prompt, {}, { RUNYARD_SANDBOX: isolation });
    await untilAgentWorks(world);
    await world.bucket.file(world.paths.cancel).save("");
    const { exitCode, stdout } = await ended;
    expect(exitCode).toBe(0);
    expect(stdout).toContain("stopping the agent: cancel");
    const { facts, changedFiles } = await world.manifest();
    expect(facts).toMatchObject({ started: true, stoppedBy: "cancel" });
    expect(facts.result).toMatchObject({ is_error: true });
    expect(changedFiles.map(({ path }) => path)).toEqual(["partial.txt"]);
    expect(isAnyProcessWith(mark)).toBe(false);
  },
);

test("a cancel before the start starts no agent", async () => {
  await using world = await startWorld();
  await world.bucket.file(world.paths.cancel).save("");
  const { exitCode } = await (await world.start("Say hello.")).ended;
  expect(exitCode).toBe(0);
  const { facts } = await world.manifest();
  expect(facts).toMatchObject({ started: false, error: null, stoppedBy: "cancel" });
  expect(world.requests).toEqual([]);
});

test("an agent whose attempt was decided by others is ended once its reports are refused", async () => {
  await using world = await startWorld();
  const mark = markOf(world);
  const commands = [5, 60].map((seconds) => `timeout ${seconds} tail -f /dev/null ${mark}; true`);
  const { ended } = await world.start(`run each:\n${commands.join("\n")}`);
  await untilAgentWorks(world);
  const seal = JSON.stringify({ schemaVersion: 1, by: "seal", cause: "build lost" });
  await world.bucket.file(world.paths.manifest).save(seal);
  world.answerProgressWith(401);
  const sealedAt = Date.now();
  // The next report, of the second command, is refused.
  const { exitCode, stdout } = await ended;
  expect(Date.now() - sealedAt).toBeLessThan(50_000);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("stopping the agent: superseded");
  expect(stdout).toContain("superseded: the result was decided by a seal (build lost)");
  expect(isAnyProcessWith(mark)).toBe(false);
  expect(await world.read(world.paths.manifest)).toBe(seal);
}, 60_000);

test.each([401, 404, 409])(
  "reports that are refused with %i alone end no agent",
  async (status) => {
    await using world = await startWorld();
    world.answerProgressWith(status);
    const { exitCode } = await (await world.start("wait 6 seconds")).ended;
    expect(exitCode).toBe(0);
    expect((await world.manifest()).facts).toMatchObject({ stoppedBy: null, turns: 2 });
  },
  60_000,
);

test("the deadline stops the agent", async () => {
  await using world = await startWorld();
  // What waits for the deadline is called as soon as the agent works.
  let deadline = () => {};
  const clock = {
    ...systemClock,
    after(delayMs: number, callback: () => void) {
      if (delayMs > 100_000 && delayMs < 150_000) deadline = callback;
      return systemClock.after(delayMs, callback);
    },
  };
  const prompt = `run: timeout 60 tail -f /dev/null ${markOf(world)}`;
  const ended = runAttempt({
    inputFolder: await world.writeInput(prompt, { timeoutSeconds: 150 }),
    temporaryFolder: world.temporary,
    buildId: "build-1",
    apiKey: KEY,
    apiBaseUrl: world.model.url,
    prices: readPrices(undefined),
    environment: {},
    isolation: "bubblewrap",
    memoryBytes: 4 * 1024 ** 3,
    path: process.env["PATH"] ?? "",
    inherited: {},
    repositories: {},
    objectsIn: () => objectsOf(world.bucket),
    terminated: new AbortController().signal,
    clock,
    log: () => {},
  });
  await untilAgentWorks(world);
  deadline();
  await ended;
  const { facts } = await world.manifest();
  expect(facts).toMatchObject({ started: true, stoppedBy: "deadline", turns: 1 });
});

test("SIGTERM stops the agent and the manifest is still written", async () => {
  await using world = await startWorld();
  const prompt = `run: timeout 60 tail -f /dev/null ${markOf(world)}`;
  const { child, ended } = await world.start(prompt);
  await untilAgentWorks(world);
  child.kill("SIGTERM");
  expect((await ended).exitCode).toBe(0);
  const { facts, outputs } = await world.manifest();
  expect(facts).toMatchObject({ stoppedBy: "terminated" });
  expect(outputs).toHaveLength(4);
});

test.each(["bubblewrap", "none"])(
  "when the runner itself is killed the agent goes too, with isolation %s",
  async (isolation) => {
    await using world = await startWorld();
    const mark = markOf(world);
    const prompt = `run: timeout 60 tail -f /dev/null ${mark}`;
    const { child, ended } = await world.start(prompt, {}, { RUNYARD_SANDBOX: isolation });
    await untilAgentWorks(world);
    child.kill("SIGKILL");
    await ended;
    const isAlive = () => isAnyProcessWith(mark) || isAnyProcessWith(world.sessionId);
    await eventually(() => expect(isAlive()).toBe(false));
    expect(await world.objects()).not.toContain(world.paths.manifest);
  },
);

test("a refused key stops the agent instead of being tried for a minute", async () => {
  await using world = await startWorld();
  await (await world.start("fail with 401")).ended;
  const { facts } = await world.manifest();
  expect(facts).toMatchObject({ started: true, stoppedBy: "unauthorized" });
  expect(world.requests.length).toBeLessThan(4);
});

test.each([
  ["a seal", { by: "seal", cause: "expired" }, "a seal (expired)"],
  ["another build", { by: "build", buildId: "build-2", runner: "r" }, "build build-2"],
  [
    "another process of its build",
    { by: "build", buildId: "build-1", runner: "r" },
    "build build-1",
  ],
])("an attempt that belongs to %s is left alone", async (_name, claim, who) => {
  await using world = await startWorld();
  await world.bucket.file(world.paths.claim).save(JSON.stringify(claim));
  const { exitCode, stdout } = await (await world.start("Say hello.")).ended;
  expect(exitCode).toBe(0);
  expect(stdout).toBe(`superseded: the attempt belongs to ${who}\n`);
  expect(await world.objects()).toEqual([world.paths.claim]);
  expect(world.requests).toEqual([]);
});

test("a claim whose acknowledgement was lost is the runner's own", async () => {
  const stored = new Map<string, string>();
  const objects = {
    createOnce: async (name: string, content: string) => {
      stored.set(name, content);
      return "exists" as const;
    },
    read: async (name: string) => Buffer.from(stored.get(name) ?? ""),
  };
  expect(await takeClaim(objects, "claim", "build-1")).toBeUndefined();
});

test("a manifest that was sealed meanwhile stays, and the runner ends in peace", async () => {
  await using world = await startWorld();
  const seal = JSON.stringify({ schemaVersion: 1, by: "seal", cause: "timeout" });
  await world.bucket.file(world.paths.manifest).save(seal);
  const { exitCode, stdout } = await (await world.start("Say hello.")).ended;
  expect(exitCode).toBe(0);
  expect(stdout).toContain("superseded: the result was decided by a seal (timeout)");
  expect(await world.read(world.paths.manifest)).toBe(seal);
});

test.each([
  ["no build id", { BUILD_ID: "" }, "BUILD_ID is not set"],
  ["an unknown isolation", { RUNYARD_SANDBOX: "docker" }, 'RUNYARD_SANDBOX is "docker"'],
])("with %s there is no result, and the reason is told", async (_name, environment, reason) => {
  await using world = await startWorld();
  const { exitCode, stderr } = await (await world.start("Say hello.", {}, environment)).ended;
  expect(exitCode).toBe(1);
  expect(stderr).toContain(`the attempt has no result: ${reason}`);
  expect(await world.objects()).toEqual([]);
});
