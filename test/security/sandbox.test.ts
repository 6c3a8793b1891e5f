import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { seeThrough } from "../../infra/agent/engines/claude-code/agent-run.ts";
import { recordPassed } from "../../infra/agent/model/passed.ts";
import { sharedOfMachine } from "../../infra/agent/sandbox/memory.ts";
import { usageOf } from "../../infra/agent/sandbox/processes.ts";
import { removeTree } from "../../infra/agent/sandbox/remove-tree.ts";
import type { SandboxLimits } from "../../infra/agent/sandbox/sandbox.ts";
import { hiding } from "../../infra/agent/secrets.ts";
import { systemClock } from "../../shared/clock.ts";
import { descendantsOf } from "../support/processes.ts";
import { outcomeOf, startSandboxWorld } from "../support/sandbox.ts";
import { ATTEMPTS, type Attempt, NEEDS } from "./attempts.ts";

const MIB = 1024 ** 2;
let tried = 0;
let opened = 0;
afterAll(() =>
  process.stdout.write(`sandbox: ${tried} attempts, and ${opened} paths to open for writing\n`),
);

/** Writes a file that the sandbox's user can read, whatever the umask is. */
function placeInside({ workspace }: { workspace: string }, name: string, content: string): void {
  writeFileSync(join(workspace, name), content);
  chmodSync(join(workspace, name), 0o644);
}

/** Runs all of them in one sandbox. @returns what each printed, by its name. */
async function tryAll(attempts: readonly Attempt[]): Promise<Map<string, string>> {
  await using world = await startSandboxWorld();
  const mark = "=====";
  const lines = attempts.map(({ name, script }) => {
    const quoted = `'${script.replaceAll("'", "'\\''")}'`;
    return `echo; echo '${mark} ${name}'; timeout 20 bash -c ${quoted} </dev/null 2>&1`;
  });
  placeInside(world.plan, "all.sh", lines.join("\n"));
  const { stdout } = await outcomeOf(world.inside("bash all.sh"));
  const parts = stdout.split(`${mark} `).slice(1);
  return new Map(
    parts.map((part) => {
      const end = part.indexOf("\n");
      return [part.slice(0, end), part.slice(end + 1).trim()];
    }),
  );
}

test("nothing that an agent tries leads out of its sandbox", async () => {
  process.env["RUNYARD_TEST_SECRET"] = "secret-of-the-runner";
  const said = await tryAll(ATTEMPTS);
  delete process.env["RUNYARD_TEST_SECRET"];
  const broken = ATTEMPTS.filter(({ name, holds }) => !holds.test(said.get(name) ?? "")).map(
    ({ name }) => `${name}: ${said.get(name)}`,
  );
  tried += ATTEMPTS.length;
  expect(broken).toEqual([]);
});

test("what compilers, browsers, package managers and debuggers need works", async () => {
  const said = await tryAll(NEEDS);
  const broken = NEEDS.filter(({ name, holds }) => !holds.test(said.get(name) ?? "")).map(
    ({ name }) => `${name}: ${said.get(name)}`,
  );
  expect(broken).toEqual([]);
});

/** Opens everything for writing, without writing. Prints what it could open, one path a line. */
const WALK = `
const { accessSync, closeSync, constants: c, lstatSync, openSync, readdirSync } = require("node:fs");
const found = [];
let seen = 0;
function walk(path) {
  seen += 1;
  const at = lstatSync(path, { throwIfNoEntry: false });
  if (!at || at.isSymbolicLink()) return;
  if (at.isDirectory()) {
    try { accessSync(path, c.W_OK); found.push(path); } catch {}
    let names = [];
    try { names = readdirSync(path); } catch {}
    for (const name of names) walk(path === "/" ? "/" + name : path + "/" + name);
    return;
  }
  for (const way of [c.O_WRONLY, c.O_RDWR]) {
    try {
      closeSync(openSync(path, way | c.O_NONBLOCK | c.O_NOCTTY));
      found.push(path);
      return;
    } catch {}
  }
}
walk("/");
console.log(seen + "\\n" + found.join("\\n"));
`;

const WRITABLE =
  /^\/(workspace|home\/agent|tmp|dev\/shm)(\/|$)|^\/dev\/(null|zero|full|random|urandom|tty|ptmx|console|pts|pts\/ptmx)$/;

test("of all that is inside, only the agent's own folders and harmless devices open for writing", async () => {
  await using world = await startSandboxWorld();
  placeInside(world.plan, "walk.cjs", WALK);
  const { stdout } = await outcomeOf(world.inside("/opt/runyard/node walk.cjs"));
  const [seen = "0", ...found] = stdout.trim().split("\n");
  opened = Number(seen);
  expect(Number(seen)).toBeGreaterThan(5_000);
  expect(found.filter((path) => !WRITABLE.test(path))).toEqual([]);
});

test("none of the descriptors that the runner's parents left open is inside", async () => {
  const folder = mkdtempSync(join(tmpdir(), "runyard-leak-"));
  const secret = join(folder, "secret");
  writeFileSync(secret, "secret-of-the-parent");
  const leaking = `
    for n in $(seq 5 20) $(seq 60 120) 200 251; do eval "exec $n<'${secret}'"; done
    exec "$0" --disable-warning=ExperimentalWarning "$1"`;
  const launcher = join(import.meta.dirname, "descriptors-process.ts");
  const child = spawn("bash", ["-c", leaking, process.execPath, launcher], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const said = await text(child.stdout);
  await rm(folder, { recursive: true });
  tried += 79;
  expect(said).toMatch(/\/0\n/);
  expect(said.split("\n").filter((line) => line.includes("secret"))).toEqual([]);
});

/** What ends an agent that runs `script` under these limits. */
async function stoppedBy(script: string, limits: Partial<SandboxLimits>) {
  await using world = await startSandboxWorld(limits);
  tried += 1;
  const run = await seeThrough(world.inside(script), {
    input: Buffer.alloc(0),
    eventsFile: join(world.root, "events.jsonl"),
    patience: {
      deadlineMs: 60_000,
      idleMs: 60_000,
      graceMs: 1_000,
      lingerMs: 1_000,
      cancelPollMs: 10_000,
      ...world.plan.limits,
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
  return run.stoppedBy;
}

const MEMFD = process.arch === "x64" ? 319 : 279;
/** Fills a file without a name, in memory, and keeps it. */
const FILL_MEMFD = `perl -e '$| = 1; my $n = "x"; my $fd = syscall(${MEMFD}, $n, 0); open(my $f, ">&=", $fd); syswrite($f, "x" x 1048576) for 1 .. 300; print "held\\n"; sleep 60'`;

const HOLDERS: [string, string][] = [
  ["its own memory", "x=$(head -c 300000000 /dev/zero | tr '\\0' x); tail -f /dev/null"],
  ["/tmp", "head -c 300M /dev/zero >/tmp/a; echo held; tail -f /dev/null"],
  [
    "/dev/shm and /tmp",
    "head -c 150M /dev/zero >/dev/shm/a; head -c 150M /dev/zero >/tmp/a; echo held; tail -f /dev/null",
  ],
  ["memfd", FILL_MEMFD],
  [
    "deleted files in /tmp",
    "exec 7>/tmp/a; rm /tmp/a; head -c 300M /dev/zero >&7; echo held; tail -f /dev/null",
  ],
  [
    "processes that left their session",
    "setsid bash -c 'x=$(head -c 150M /dev/zero | tr \"\\0\" x); tail -f /dev/null' & setsid bash -c 'x=$(head -c 150M /dev/zero | tr \"\\0\" x); tail -f /dev/null' & wait",
  ],
];

test.each(HOLDERS)(
  "memory held by %s counts, and too much of it is told as such",
  async (_name, script) => {
    expect(await stoppedBy(script, { memoryBytes: 200 * MIB })).toBe("memory");
  },
);

test.each(HOLDERS.filter(([, script]) => script.includes("held")))(
  "memory held by %s is counted where the kernel does not",
  async (_name, script) => {
    await using world = await startSandboxWorld();
    const sharedBefore = sharedOfMachine();
    const agent = world.inside(script);
    await new Promise<void>((resolve) => agent.stdout.once("data", () => resolve()));
    const root = descendantsOf(process.pid).find((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("bwrap\0--args"),
    );
    const counted = usageOf({ root: root ?? 0 }, { limitBytes: 0, sharedBefore });
    expect(counted.residentBytes).toBeGreaterThan(300 * MIB);
    expect(counted.residentBytes).toBeLessThan(600 * MIB);
    const estimate = usageOf({ root: root ?? 0 }, { limitBytes: 200 * MIB, sharedBefore });
    expect(estimate.residentBytes).toBeGreaterThan(200 * MIB);
  },
);

test.each([
  ["in the workspace", "head -c 300M /dev/zero >/workspace/a; tail -f /dev/null"],
  ["in its home", "head -c 300M /dev/zero >/home/agent/a; tail -f /dev/null"],
  [
    "in workspace, home and /tmp together",
    "for d in /workspace /home/agent /tmp; do head -c 80M /dev/zero >$d/a; done; tail -f /dev/null",
  ],
  [
    "in a folder that it closed to itself",
    "mkdir d; head -c 300M /dev/zero >d/a; chmod 000 d; tail -f /dev/null",
  ],
  [
    "in files that it deleted and keeps",
    "exec 7>a; rm a; head -c 300M /dev/zero >&7; tail -f /dev/null",
  ],
  ["and ends at once", "head -c 300M /dev/zero >a"],
  [
    "deeper than a path can be long",
    `n=$(printf 'd%.0s' {1..200}); for i in {1..40}; do mkdir $n; cd $n; done; head -c 300M /dev/zero >a; tail -f /dev/null`,
  ],
])("too much that is written %s is told as such", async (_name, script) => {
  expect(await stoppedBy(script, { diskBytes: 200 * MIB })).toBe("disk");
});

test("what others free meanwhile does not hide what an agent writes", async () => {
  const folder = mkdtempSync(join(tmpdir(), "runyard-freed-"));
  execFileSync("sh", ["-c", 'head -c 300M /dev/zero >"$0"', join(folder, "others")]);
  const freed = setTimeout(() => rmSync(folder, { recursive: true }), 500);
  const script = "sleep 3; head -c 300M /dev/zero >a";
  expect(await stoppedBy(script, { diskBytes: 200 * MIB })).toBe("disk");
  clearTimeout(freed);
  rmSync(folder, { recursive: true, force: true });
});

test("too many processes are told as such, and not as memory", async () => {
  const script = "for i in {1..60}; do setsid tail -f /dev/null & done; wait";
  expect(await stoppedBy(script, { processes: 40 })).toBe("processes");
});

/** What an agent leaves so that it stays. */
const OBSTACLES = `
n=$(printf 'd%.0s' {1..250}); for i in {1..60}; do mkdir $n; cd $n; done; touch a; cd /workspace
mkdir -p shut/in; touch shut/in/a; chmod 000 shut/in shut
mkdir -p kept/a/b; touch kept/a/b/c; chmod 500 kept/a/b kept/a kept
mkdir "$(printf 'new\\nline\\t\\033[2J')" -- -rf; mkfifo pipe; ln -s / root
mkdir -p /home/agent/.cache/shut; chmod 000 /home/agent/.cache/shut /home/agent/.cache /home/agent /workspace`;

test("the runner's folders are removed, whatever an agent did in them", async () => {
  await using world = await startSandboxWorld();
  const { end, stderr } = await outcomeOf(world.inside(OBSTACLES));
  expect([stderr, end]).toEqual(["", { exitCode: 0, signal: null }]);
  tried += 6;
  expect(await removeTree(world.plan.workspace)).toBeUndefined();
  expect(await removeTree(world.plan.home)).toBeUndefined();
  expect(existsSync(world.plan.workspace) || existsSync(world.plan.home)).toBe(false);
});

test("what cannot be removed is named, and is no error", async () => {
  const said = await removeTree("/proc/self/task");
  expect(said).toMatch(/^cannot be removed: \/proc\/self\/task \(/);
});

test("the sandbox's user owns nothing of the machine but its folders", async () => {
  await using world = await startSandboxWorld();
  const { hostUser, workspace } = world.plan;
  const { uid } = statSync(workspace);
  if (process.getuid?.() === 0) {
    expect(hostUser).toBeGreaterThan(60_000);
    expect(uid).toBe(hostUser);
  } else {
    expect(hostUser).toBeUndefined();
    expect(uid).toBe(process.getuid?.());
  }
  const agent = world.inside("echo up; cat >/dev/null; echo done");
  await new Promise<void>((resolve) => agent.stdout.once("data", () => resolve()));
  const users = descendantsOf(process.pid)
    .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("/opt/runyard/relay"))
    .map((pid) => statSync(`/proc/${pid}`).uid);
  expect(users.length).toBeGreaterThan(0);
  for (const user of users) expect(user).toBe(uid);
});
