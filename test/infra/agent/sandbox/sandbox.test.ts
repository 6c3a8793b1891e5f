import { readdirSync, readFileSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { seeThrough } from "../../../../infra/agent/engines/claude-code/agent-run.ts";
import { recordPassed } from "../../../../infra/agent/model/passed.ts";
import {
  type AgentProcess,
  launchSandboxed,
  launchUnconfined,
  socketsIn,
} from "../../../../infra/agent/sandbox/launch.ts";
import { probeSandbox, type SandboxLimits } from "../../../../infra/agent/sandbox/sandbox.ts";
import { hiding } from "../../../../infra/agent/secrets.ts";
import { systemClock } from "../../../../shared/clock.ts";
import { ENVIRONMENT, outcomeOf, startSandboxWorld } from "../../../support/sandbox.ts";

const PATH = process.env["PATH"] ?? "";

/** Private folders, and ways to start a shell script as the agent. */
async function startWorld(limits: Partial<SandboxLimits> = {}) {
  const world = await startSandboxWorld(limits);
  return {
    ...world,
    outside: (script: string, inherited: Record<string, string> = {}) =>
      world.keep(
        launchUnconfined(
          {
            command: ["/bin/bash", "-c", script],
            directory: world.plan.workspace,
            environment: ENVIRONMENT,
            ...socketsIn(world.sockets),
          },
          inherited,
        ),
      ),
  };
}

/** Live processes of this machine whose command line holds `mark`. */
function processesWith(mark: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      const isOther = Number(pid) > 0 && Number(pid) !== process.pid;
      return isOther && readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(mark);
    } catch {
      return false;
    }
  });
}

const firstOutput = (agent: AgentProcess) =>
  new Promise<void>((resolve) => agent.stdout.once("data", () => resolve()));

test("inside, only the system, the workspace and the home are there, and only the last two are writable", async () => {
  await using world = await startWorld();
  const { stdout, stderr, end } = await outcomeOf(
    world.inside(
      `id -u; echo $(ls /); touch /x /usr/x /etc/x /dev/x /opt/runyard/x /run/runyard/x
       touch /workspace/a /home/agent/b /tmp/c /dev/shm/d && echo written; hostname; grep -c . /proc/self/status >/dev/null; grep CapBnd /proc/self/status; exit 7`,
    ),
  );
  expect(end).toEqual({ exitCode: 7, signal: null });
  const lines = stdout.split("\n");
  expect(lines[0]).toBe("1000");
  expect(lines[1]?.split(" ").filter((name) => !/^(lib\d*|s?bin)$/.test(name))).toEqual([
    "dev",
    "etc",
    "home",
    "opt",
    "proc",
    "run",
    "tmp",
    "usr",
    "workspace",
  ]);
  expect(lines.slice(2, 5)).toEqual(["written", "build", "CapBnd:\t0000000000000000"]);
  expect(stderr.match(/Read-only file system/g)).toHaveLength(6);
  expect(readdirSync(world.plan.workspace)).toEqual(["a"]);
  expect(readdirSync(world.plan.home)).toEqual(["b"]);
});

test("inside, nothing of the runner's environment can be read, and no process of the machine", async () => {
  await using world = await startWorld();
  process.env["RUNYARD_TEST_SECRET"] = "secret-of-the-runner";
  const { stdout } = await outcomeOf(
    world.inside("cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr '\\0' '\\n'; ps -e | wc -l"),
  );
  delete process.env["RUNYARD_TEST_SECRET"];
  expect(stdout).toContain("MARK=visible");
  expect(stdout).not.toContain("secret-of-the-runner");
  expect(stdout).not.toContain(world.root);
  expect(Number(stdout.trim().split("\n").at(-1))).toBeLessThan(12);
});

test("inside, neither the machine's loopback nor a network can be reached, nor a namespace made", async () => {
  await using world = await startWorld();
  const server = createServer((_request, response) => response.end("reached"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const { stdout } = await outcomeOf(
    world.inside(
      `for to in 127.0.0.1/${port} 169.254.169.254/80 1.1.1.1/443; do
         (exec 3<>/dev/tcp/$to) 2>/dev/null && echo reached || echo no; done
       unshare -U true 2>/dev/null && echo namespace || echo no`,
    ),
  );
  server.close();
  expect(stdout).toBe("no\nno\nno\nno\n");
});

test("inside, the proxies' sockets are reached through the ports that the environment names", async () => {
  await using world = await startWorld();
  const server = createServer((incoming, response) => response.end(`model ${incoming.url}`));
  await new Promise<void>((resolve) =>
    server.listen(join(world.sockets, "model.sock"), () => resolve()),
  );
  await chmod(join(world.sockets, "model.sock"), 0o666);
  const { stdout } = await outcomeOf(
    world.inside(
      `address=\${ANTHROPIC_BASE_URL#http://}; exec 3<>/dev/tcp/\${address/://}
       printf 'GET /v1/x HTTP/1.0\\r\\n\\r\\n' >&3; tail -1 <&3; echo; echo "$HTTPS_PROXY $NO_PROXY"`,
    ),
  );
  server.close();
  expect(stdout).toMatch(/model \/v1\/x\nhttp:\/\/127.0.0.1:\d+ 127.0.0.1,localhost,::1/);
});

const FAMILY = (mark: string) =>
  `trap '' TERM INT; setsid setsid tail -f /dev/null ${mark} & (setsid nohup tail -f /dev/null ${mark} &) ; tail -f /dev/null ${mark} & echo ready; wait; tail -f /dev/null ${mark}`;

test.each(["inside", "outside"] as const)(
  "nothing is left of an agent %s that was killed, not even what left its session",
  async (where) => {
    await using world = await startWorld();
    const mark = join(world.plan.workspace, `mark-${where}`);
    const agent = world[where](FAMILY(mark));
    agent.stderr.resume();
    await firstOutput(agent);
    await agent.kill();
    expect(processesWith(mark)).toEqual([]);
    await agent.ended;
  },
);

test("an interrupt reaches the agent, which ends in its own way", async () => {
  await using world = await startWorld();
  const agent = world.inside(
    "trap 'echo interrupted; exit 5' INT; echo ready; while :; do read -t 0.05 <> <(:) ; done",
  );
  await firstOutput(agent);
  agent.interrupt();
  const said = await text(agent.stdout);
  expect(said).toContain("interrupted");
  expect(await agent.ended).toEqual({ exitCode: 5, signal: null });
});

test("a signal that ends the agent is told as such", async () => {
  await using world = await startWorld();
  const { end } = await outcomeOf(world.inside("kill -SEGV $$"));
  expect(end).toEqual({ exitCode: null, signal: "SIGSEGV" });
});

test("a program that does not exist is an error, not an exit", async () => {
  await using world = await startWorld();
  const agent = launchSandboxed(
    { command: ["/nope"], directory: "/", environment: {}, ...socketsIn("/run/runyard") },
    world.plan,
    PATH,
  );
  expect((await outcomeOf(agent)).end).toEqual({ error: "spawn /nope ENOENT" });
});

test("the agent's use of memory and processes is seen from outside", async () => {
  await using world = await startWorld();
  const agent = world.inside(
    "tail -f /dev/null & tail -f /dev/null & x=$(head -c 100000000 /dev/zero | tr '\\0' x); echo ready; wait",
  );
  await firstOutput(agent);
  const usage = agent.usage();
  expect(usage.residentBytes).toBeGreaterThan(100_000_000);
  expect(usage.processes).toBeGreaterThanOrEqual(5);
});

test("an agent that takes too much memory is killed with all that it started", async () => {
  await using world = await startWorld();
  const mark = join(world.plan.workspace, "mark-memory");
  const agent = world.inside(
    `setsid tail -f /dev/null ${mark} & x=$(head -c 400000000 /dev/zero | tr '\\0' x); tail -f /dev/null`,
  );
  const run = await seeThrough(agent, {
    input: Buffer.alloc(0),
    eventsFile: join(world.root, "events.jsonl"),
    patience: {
      deadlineMs: 60_000,
      idleMs: 60_000,
      graceMs: 1_000,
      lingerMs: 1_000,
      memoryBytes: 300_000_000,
      processes: 100,
      diskBytes: Number.POSITIVE_INFINITY,
      cancelPollMs: 10_000,
    },
    clock: systemClock,
    terminated: new AbortController().signal,
    isCancelled: async () => false,
    passed: recordPassed((text) => text),
    hiding: hiding([]),
    apiHost: "",
    costUsd: () => 0,
    isSpent: () => false,
    leftoverMs: 0,
    onProgress: () => {},
    onEvent: () => {},
    log: () => {},
  });
  expect(run).toMatchObject({ stoppedBy: "memory", end: { signal: "SIGKILL" } });
  expect(processesWith(mark)).toEqual([]);
});

test("a file cannot grow beyond its limit", async () => {
  await using world = await startWorld({ fileBytes: 1_000_000 });
  const { stdout } = await outcomeOf(
    world.inside("(head -c 2000000 /dev/zero > big) 2>/dev/null; stat -c %s big"),
  );
  expect(stdout).toBe("1000000\n");
});

test("unconfined, the agent gets a small environment and the variables that are to be carried on", async () => {
  await using world = await startWorld();
  process.env["RUNYARD_TEST_SECRET"] = "secret-of-the-runner";
  const { stdout } = await outcomeOf(world.outside("env", { CLOUD_BUILD_STEP: "step-1" }));
  delete process.env["RUNYARD_TEST_SECRET"];
  expect(stdout).toContain("CLOUD_BUILD_STEP=step-1");
  expect(stdout).not.toContain("secret-of-the-runner");
});

test("the probe accepts this machine, and says what to do where bubblewrap is missing", async () => {
  await using world = await startWorld();
  await probeSandbox(world.plan, PATH);
  await expect(probeSandbox(world.plan, "/nonexistent")).rejects.toThrow(
    "prlimit is not installed. Install bubblewrap and util-linux",
  );
});

test("the probe tells why the sandbox could not be made", async () => {
  await using world = await startWorld();
  const plan = { ...world.plan, home: "/nonexistent" };
  await expect(probeSandbox(plan, PATH)).rejects.toThrow(
    /bwrap: Can't find source path \/nonexistent/,
  );
});
