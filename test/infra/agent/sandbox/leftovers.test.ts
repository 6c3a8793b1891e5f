import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { seeThrough } from "../../../../infra/agent/engines/claude-code/agent-run.ts";
import {
  type AgentEnd,
  launchSandboxed,
  launchUnconfined,
  socketsIn,
} from "../../../../infra/agent/sandbox/launch.ts";
import { awaitLeftovers, namesOfLeft } from "../../../../infra/agent/sandbox/leftovers.ts";
import { hiding } from "../../../../infra/agent/secrets.ts";
import { eventually } from "../../../support/eventually.ts";
import { isAnyProcessWith } from "../../../support/processes.ts";
import { ENVIRONMENT, startSandboxWorld } from "../../../support/sandbox.ts";
import { startFakeClock } from "../fake-clock.ts";

const process_ = (command: string) => ({ command: () => command });

test("where nothing is left nobody waits, and the agent is looked at once", async () => {
  let looks = 0;
  const left = () => {
    looks += 1;
    return [];
  };
  const time = { graceMs: 10_000, clock: startFakeClock(), isOver: () => false };
  expect(await awaitLeftovers({ left }, time)).toBe(false);
  expect(looks).toBe(1);
});

test.each<[string, { endsAt?: number; overAt?: number; within: number; isLeft: boolean }]>([
  ["what ends in time is waited for", { endsAt: 3_000, within: 3_200, isLeft: false }],
  ["what stays has its time and no more", { within: 10_000, isLeft: true }],
  ["what has to end at once has no time", { overAt: 2_000, within: 2_200, isLeft: true }],
])("%s", async (_name, { endsAt = 1e9, overAt = 1e9, within, isLeft }) => {
  const clock = startFakeClock();
  const left = () => (clock.now() < endsAt ? [process_("server")] : []);
  const done = awaitLeftovers(
    { left },
    { graceMs: 10_000, clock, isOver: () => clock.now() >= overAt },
  );
  let found: boolean | undefined;
  void done.then((value) => {
    found = value;
  });
  await clock.advance(within - 250);
  expect(found).toBeUndefined();
  await clock.advance(250);
  expect(found).toBe(isLeft);
});

test("names are one line each, short, few, and without secrets or what turns text around", () => {
  const long = `node ${"x".repeat(200_000)}`;
  const left = ["a\nb\u202e\u0007c", "run --key s3cr3t", long, ...Array(20).fill("tail")];
  const { commands, more } = namesOfLeft(
    { left: () => left.map(process_) },
    hiding(["s3cr3t"]).text,
  );
  expect(commands.slice(0, 2)).toEqual(["a b c", "run --key ***"]);
  expect(commands[2]).toHaveLength(100);
  expect([commands.length, more]).toEqual([10, 13]);
});

const FAMILY = (mark: string): string =>
  `setsid sh -c 'tail -f /dev/null ${mark}-a & tail -f /dev/null ${mark}-b; true' & sh -c 'nohup tail -f /dev/null ${mark}-c &' ; (exec -a '' tail -f /dev/null ${mark}-d) & exec tail -f /dev/null`;

test.each(["inside", "outside"] as const)(
  "from outside it is seen what an agent %s left: what is not of the agent, nor of another that is left",
  async (where) => {
    await using world = await startSandboxWorld();
    const mark = join(world.plan.workspace, "mark");
    const agent = {
      command: ["/bin/bash", "-c", `${FAMILY(mark)}`],
      directory: where === "inside" ? "/workspace" : world.plan.workspace,
      environment: ENVIRONMENT,
      mayLeave: true,
      ...socketsIn(where === "inside" ? "/run/runyard" : world.sockets),
    };
    const path = process.env["PATH"] ?? "";
    const started = world.keep(
      where === "inside" ? launchSandboxed(agent, world.plan, path) : launchUnconfined(agent, {}),
    );
    await eventually(() => {
      for (const one of "abcd") expect(isAnyProcessWith(`${mark}-${one}`)).toBe(true);
    });
    const hide = (text: string) => text.replaceAll(mark, "M").replaceAll("tail -f /dev/null", "T");
    const names = () => namesOfLeft(started, hide).commands.sort();
    await eventually(() => expect(names()).toEqual(["T M-c"]));
    const end: Promise<AgentEnd> = started.ended;
    started.interrupt();
    expect(await end).toEqual({ exitCode: null, signal: "SIGINT" });
    const left = ["-f /dev/null M-d", "T M-c", "sh -c T M-a & T M-b; true"];
    await eventually(() => expect(names()).toEqual(left));
    await started.kill();
    expect(started.left()).toEqual([]);
    for (const one of "abcd") expect(isAnyProcessWith(`${mark}-${one}`)).toBe(false);
  },
  60_000,
);

/** An agent of which something is left, with a clock that the test moves. */
function startAgent(more: { isSpent?: boolean } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "runyard-leftovers-"));
  const clock = startFakeClock();
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const { promise: ended, resolve: end } = Promise.withResolvers<AgentEnd>();
  const terminated = new AbortController();
  const world = { left: [process_("server")], isKilled: false };
  const usage = { residentBytes: 0, processes: 1, threads: 1, diskBytes: 0, exceeded: undefined };
  const run = seeThrough(
    {
      ...{ stdin, stdout, stderr, ended },
      interrupt: () => {},
      left: () => world.left,
      modelHost: () => undefined,
      kill: async () => {
        world.isKilled = true;
        stdout.end();
        stderr.end();
        end({ exitCode: null, signal: "SIGKILL" });
      },
      usage: () => usage,
      lookAtDisk: async () => {},
    },
    {
      input: Buffer.alloc(0),
      eventsFile: join(folder, "events.jsonl"),
      patience: {
        ...{ deadlineMs: 5_000, idleMs: 5_000, graceMs: 1_000, lingerMs: 3_000, cancelPollMs: 500 },
        ...{ memoryBytes: 1, processes: 1, diskBytes: 1 },
      },
      clock,
      terminated: terminated.signal,
      isCancelled: async () => false,
      passed: { errors: new Set() },
      hiding: hiding([]),
      apiHost: "",
      costUsd: () => 0,
      isSpent: () => more.isSpent ?? false,
      leftoverMs: 10_000,
      onProgress: () => {},
      onEvent: () => {},
      log: () => {},
    },
  );
  const settle = () => new Promise((resolve) => setTimeout(resolve, 10));
  return {
    ...{ clock, world, run, usage, terminated, settle },
    exit: async () => {
      end({ exitCode: 0, signal: null });
      await settle();
    },
    say: async (event: object) => {
      stdout.write(`${JSON.stringify(event)}\n`);
      await settle();
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

const RESULT = { type: "result", subtype: "success", is_error: false, result: "Done." };
const LEFT = { commands: ["server"], more: 0 };

test("neither the agent's deadline nor its silence ends what it left, and nothing stopped the agent", async () => {
  await using agent = startAgent();
  await agent.say(RESULT);
  await agent.exit();
  await agent.clock.advance(9_500);
  expect(agent.world.isKilled).toBe(false);
  await agent.clock.advance(500);
  expect(await agent.run).toMatchObject({ stoppedBy: null, left: LEFT, end: { exitCode: 0 } });
});

test("lines that come long after the agent's end are not its", async () => {
  await using agent = startAgent();
  await agent.exit();
  await agent.say(RESULT);
  await agent.clock.advance(2_001);
  await agent.say({ ...RESULT, result: "Something else." });
  await agent.clock.advance(8_000);
  expect((await agent.run).seen.result).toEqual(RESULT);
});

test.each<[string, (agent: ReturnType<typeof startAgent>) => unknown]>([
  ["the build is ended", ({ terminated }) => terminated.abort()],
  ["the budget is spent", ({ say }) => say({ ...RESULT, subtype: "error_max_budget_usd" })],
])("what is left ends at once when %s, and is named", async (_name, happen) => {
  await using agent = startAgent();
  await agent.exit();
  await happen(agent);
  await agent.clock.advance(700);
  expect(await agent.run).toMatchObject({ stoppedBy: null, left: LEFT });
});

test("an agent whose proxy gave out all that it may spend leaves nothing at work", async () => {
  await using agent = startAgent({ isSpent: true });
  await agent.exit();
  expect(await agent.run).toMatchObject({ stoppedBy: null, left: LEFT });
});

test("what an agent that was stopped left ends with it, and is not named", async () => {
  await using agent = startAgent();
  await agent.clock.advance(5_000);
  await agent.exit();
  expect(await agent.run).toMatchObject({ stoppedBy: "deadline", left: undefined });
});

test("what an agent that does not exit after its result left is named", async () => {
  await using agent = startAgent();
  await agent.say(RESULT);
  await agent.clock.advance(3_000);
  expect(await agent.run).toMatchObject({ stoppedBy: "lingered", left: LEFT });
});

test("what is left is bound as the agent is", async () => {
  await using agent = startAgent();
  await agent.say(RESULT);
  await agent.exit();
  agent.usage.residentBytes = 2;
  await agent.clock.advance(1_200);
  expect(await agent.run).toMatchObject({ stoppedBy: "memory", left: undefined });
});
