import { mkdtempSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import {
  type AgentRun,
  seeThrough,
} from "../../../../../infra/agent/engines/claude-code/agent-run.ts";
import { factsOf } from "../../../../../infra/agent/engines/claude-code/facts.ts";
import type { Progress } from "../../../../../infra/agent/engines/progress.ts";
import { recordPassed } from "../../../../../infra/agent/model/passed.ts";
import type { AgentEnd, AgentUsage } from "../../../../../infra/agent/sandbox/launch.ts";
import type { Patience, StopCause } from "../../../../../infra/agent/sandbox/watch.ts";
import { hiding } from "../../../../../infra/agent/secrets.ts";
import { verdict } from "../../../../../shared/attempt/verdict.ts";
import type { AgentEvent } from "../../../../../shared/documents/event.ts";
import { startFakeClock } from "../../fake-clock.ts";

const PATIENCE: Patience = {
  deadlineMs: 100_000,
  idleMs: 60_000,
  graceMs: 10_000,
  lingerMs: 5_000,
  cancelPollMs: 2_000,
  memoryBytes: 1_000,
  processes: 10,
  diskBytes: 5_000,
};

/** An agent played by the test, watched over with a clock that the test moves. */
function startAgent(patience: Partial<Patience> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "runyard-agent-run-"));
  const clock = startFakeClock();
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const calls: string[] = [];
  const lines: string[] = [];
  const progress: Progress[] = [];
  const events: AgentEvent[] = [];
  const errors = new Set<number>();
  const terminated = new AbortController();
  const usage: AgentUsage = {
    residentBytes: 0,
    processes: 1,
    threads: 1,
    diskBytes: 0,
    exceeded: undefined,
  };
  const world = { isCancelled: false, usage, onInterrupt: () => {} };
  let end = (_end: AgentEnd) => {};
  const ended = new Promise<AgentEnd>((resolve) => {
    end = resolve;
  });
  const exit = (exitCode: number | null, signal: string | null = null): void => {
    stdout.end();
    stderr.end();
    end({ exitCode, signal });
  };
  const run: Promise<AgentRun> = seeThrough(
    {
      stdin,
      stdout,
      stderr,
      ended,
      interrupt: () => {
        calls.push("interrupt");
        world.onInterrupt();
      },
      kill: async () => {
        calls.push("kill");
        exit(null, "SIGKILL");
      },
      left: () => [],
      modelHost: () => "127.0.0.1:4567",
      usage: () => world.usage,
      lookAtDisk: async () => {},
    },
    {
      input: Buffer.from("prompt"),
      eventsFile: join(folder, "events.jsonl"),
      patience: { ...PATIENCE, ...patience },
      clock,
      terminated: terminated.signal,
      isCancelled: async () => world.isCancelled,
      hiding: hiding(["s3cr3t value"]),
      apiHost: "api.example.com",
      costUsd: () => 0.25,
      isSpent: () => false,
      leftoverMs: 10_000,
      passed: { errors },
      onProgress: (one) => progress.push(one),
      onEvent: (one) => events.push(one),
      log: (line) => lines.push(line),
    },
  );
  const settle = () => new Promise((resolve) => setTimeout(resolve, 10));
  return {
    world,
    clock,
    calls,
    lines,
    progress,
    told: events,
    errors,
    run,
    exit,
    stdin,
    stderr,
    terminate: () => terminated.abort(),
    async say(event: object | string) {
      stdout.write(`${typeof event === "string" ? event : JSON.stringify(event)}\n`);
      await settle();
    },
    events: () => readFileSync(join(folder, "events.jsonl"), "utf8"),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

const RESULT = { type: "result", subtype: "success", is_error: false };
const words = (text: string) => ({
  type: "assistant",
  message: { id: "m1", content: [{ type: "text", text }] },
});

test("an agent that ends by itself was stopped by nobody, and its lines are kept as they came", async () => {
  await using agent = startAgent();
  await agent.say(words("Working."));
  await agent.say("no json");
  await agent.say(RESULT);
  agent.stderr.write("a warning");
  agent.exit(0);
  const run = await agent.run;
  expect(run).toMatchObject({
    end: { exitCode: 0, signal: null },
    stoppedBy: null,
    stderrTail: "a warning",
    seen: { turns: 1, lastText: "Working.", result: RESULT },
  });
  expect(agent.stdin.read()).toEqual(Buffer.from("prompt"));
  expect(agent.events()).toBe(
    `${JSON.stringify(words("Working."))}\nno json\n${JSON.stringify(RESULT)}\n`,
  );
  expect(agent.progress).toEqual([{ text: "Working.", turn: 1 }]);
});

test("secrets are hidden in all that is told of the agent, and nothing else is touched", async () => {
  await using agent = startAgent();
  await agent.say(words("It is s3cr3t value, or s3cr3t%20value."));
  await agent.say({ ...RESULT, subtype: "success", result: "s3cr3t value", total_cost_usd: 0.75 });
  agent.stderr.write("error: s3cr3t value");
  agent.exit(0);
  const run = await agent.run;
  expect(run).toMatchObject({
    stderrTail: "error: ***",
    seen: { lastText: "It is ***, or ***.", result: { subtype: "success", result: "***" } },
  });
  expect(agent.progress).toEqual([{ text: "It is ***, or ***.", turn: 1 }]);
  expect(agent.told).toEqual([
    { type: "text", text: "It is ***, or ***." },
    { type: "cost", costUsd: 0.25, turns: 1 },
  ]);
  expect(agent.events()).not.toMatch(/s3cr3t/);
});

test("the deadline interrupts the agent and, if it stays, kills it after the grace", async () => {
  await using agent = startAgent({ idleMs: 1_000_000 });
  await agent.clock.advance(99_999);
  expect(agent.calls).toEqual([]);
  await agent.clock.advance(1);
  expect(agent.calls).toEqual(["interrupt"]);
  await agent.clock.advance(9_999);
  expect(agent.calls).toEqual(["interrupt"]);
  await agent.clock.advance(1);
  expect(await agent.run).toMatchObject({
    end: { signal: "SIGKILL" },
    stoppedBy: "deadline",
  });
});

test("an interrupted agent still gives its result", async () => {
  await using agent = startAgent();
  agent.world.onInterrupt = () => {
    void agent.say({ ...RESULT, is_error: true }).then(() => agent.exit(0));
  };
  await agent.clock.advance(60_000);
  const run = await agent.run;
  expect(run.stoppedBy).toBe("idle");
  expect(run.seen.result).toMatchObject({ is_error: true });
});

test("an agent that says something is not idle", async () => {
  await using agent = startAgent();
  await agent.clock.advance(59_999);
  await agent.say("{}");
  await agent.clock.advance(30_000);
  expect(agent.calls).toEqual([]);
  agent.exit(0);
  expect((await agent.run).stoppedBy).toBeNull();
});

test("a cancel is noticed at the next look", async () => {
  await using agent = startAgent();
  await agent.clock.advance(1_000);
  agent.world.isCancelled = true;
  await agent.clock.advance(1_000);
  expect(agent.calls).toEqual(["interrupt"]);
  agent.exit(0);
  expect((await agent.run).stoppedBy).toBe("cancel");
});

test("the first cause to stop is the one that counts", async () => {
  await using agent = startAgent();
  agent.terminate();
  agent.world.isCancelled = true;
  await agent.clock.advance(5_000);
  agent.exit(0);
  expect((await agent.run).stoppedBy).toBe("terminated");
  expect(agent.calls[0]).toBe("interrupt");
});

test.each<[string, StopCause, Partial<AgentUsage>]>([
  ["memory", "memory", { residentBytes: 1_001 }],
  ["memory, as the kernel has it,", "memory", { exceeded: "memory" }],
  ["processes", "processes", { processes: 11 }],
  ["processes, as the kernel has it,", "processes", { exceeded: "processes" }],
  ["threads", "processes", { threads: 101 }],
  ["disk", "disk", { diskBytes: 5_001 }],
])("too much %s kills the agent at once", async (_name, cause, usage) => {
  await using agent = startAgent();
  Object.assign(agent.world.usage, usage);
  await agent.clock.advance(1_000);
  expect((await agent.run).stoppedBy).toBe(cause);
  expect(agent.calls).not.toContain("interrupt");
});

test("an agent that stays after its result lingers and is killed; nothing else stops it then", async () => {
  await using agent = startAgent();
  await agent.say(RESULT);
  agent.terminate();
  await agent.clock.advance(4_999);
  expect(agent.calls).toEqual([]);
  await agent.clock.advance(1);
  expect(await agent.run).toMatchObject({ stoppedBy: "lingered", seen: { result: RESULT } });
});

test("the first refusal of the key stops the agent", async () => {
  await using agent = startAgent();
  const retry = { type: "system", subtype: "api_retry", error_status: 401 };
  // Nothing but a line: whatever the agent starts can write it.
  await agent.say(retry);
  expect(agent.calls).toEqual([]);
  agent.errors.add(401);
  await agent.say(retry);
  expect(agent.calls).toEqual(["interrupt"]);
  agent.exit(0);
  expect((await agent.run).stoppedBy).toBe("unauthorized");
});

test("a line of 20 MB is noted instead of kept, and the result after it is read", async () => {
  await using agent = startAgent();
  await agent.say("x".repeat(20 * 1024 * 1024));
  await agent.say(RESULT);
  agent.exit(0);
  const { seen } = await agent.run;
  expect(seen.result).toEqual(RESULT);
  expect(agent.events()).toContain('{"type":"runyard","subtype":"line_too_long","bytes":20971520}');
});

test("an answer of 20 MB keeps its result line and what it cost", async () => {
  await using agent = startAgent();
  const answer = "é\n".repeat(7 * 1024 * 1024);
  await agent.say(words(answer));
  await agent.say({ ...RESULT, result: answer, total_cost_usd: 0.25, num_turns: 1 });
  agent.exit(0);
  const run = await agent.run;
  const { result, ...rest } = run.seen.result ?? {};
  expect(rest).toEqual({ ...RESULT, total_cost_usd: 0.25, num_turns: 1 });
  expect([run.seen.isResultCut, run.seen.turns]).toEqual([true, 1]);
  expect(answer.startsWith(String(result))).toBe(true);
  expect(agent.events()).toContain('"subtype":"line_cut"');
  const passed = recordPassed((text) => text);
  passed.add([{ type: "text", text: answer }]);
  const facts = await factsOf(run, { outputSchema: undefined, servers: [], passed });
  expect(verdict(facts)).toMatchObject({ outcome: "succeeded" });
  expect(facts.result?.result).toMatch(/^é\né\n.*…$/s);
});

test("too many events are cut off with a note, yet the result is among them", async () => {
  await using agent = startAgent();
  for (let count = 0; count < 9; count += 1) await agent.say("y".repeat(8 * 1024 * 1024));
  await agent.say(RESULT);
  agent.exit(0);
  await agent.run;
  const events = agent.events();
  expect(events.length).toBeLessThan(65 * 1024 * 1024);
  expect(events.slice(-200)).toMatch(/"subtype":"truncated".*\n.*"type":"result"/);
});

test("of standard error the end is kept", async () => {
  await using agent = startAgent();
  agent.stderr.write("x".repeat(100_000));
  agent.stderr.write("the last words");
  agent.exit(1);
  const { stderrTail } = await agent.run;
  expect(Buffer.byteLength(stderrTail)).toBeLessThanOrEqual(4096);
  expect(stderrTail).toMatch(/^….*the last words$/s);
});
