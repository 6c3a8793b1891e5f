import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { ADDRESSED, newCookie } from "../environment.ts";
import { messageOf } from "../text.ts";
import { type Cgroup, makeCgroup } from "./cgroup.ts";
import { type DiskMeter, startDiskMeter } from "./disk.ts";
import { readLines } from "./line-reader.ts";
import { sharedOfMachine } from "./memory.ts";
import {
  killTree,
  type LeftProcess,
  leftIn,
  type MemoryView,
  type ProcessTree,
  sandboxOf,
  type Usage,
  usageOf,
} from "./processes.ts";
import { INSIDE, type SandboxPlan, startInSandbox, THREADS_PER_PROCESS } from "./sandbox.ts";

/** How the agent ended; `error` if it could not be started at all. */
export type AgentEnd = { exitCode: number | null; signal: string | null } | { error: string };

/** The agent as a process, with everything that it started. */
export interface AgentProcess {
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  /** Never rejects. */
  ended: Promise<AgentEnd>;
  /**
   * Host and port by which it reaches its model, as it knows them; undefined until it has started.
   */
  modelHost(): string | undefined;
  /** Asks it to stop (SIGINT), so that it still gives its result. */
  interrupt(): void;
  /** What it left at work: processes of its that do not descend from it, or outlived it. */
  left(): LeftProcess[];
  /** Ends all of it at once and waits until nothing is left. */
  kill(): Promise<void>;
  usage(): AgentUsage;
  /** Brings what `usage` knows of the disk up to date. */
  lookAtDisk(): Promise<void>;
}

/** What an agent uses, with all that it started. */
export interface AgentUsage extends Usage {
  /** Bytes that it has written and that are still there. */
  diskBytes: number;
  /** The bound of the kernel that it has run into, where there are such bounds. */
  exceeded: "memory" | "processes" | undefined;
}

const NOTHING: Usage = { processes: 0, threads: 0, residentBytes: 0 };

/** What to start. Paths are those that the agent will see: inside the sandbox if there is one. */
export interface AgentCommand {
  command: readonly string[];
  directory: string;
  environment: Readonly<Record<string, string>>;
  /** Its standard error goes where its standard output goes. Default: no. */
  mergesOutput?: boolean;
  /** What it leaves at work goes on until `kill`. Default: no, it ends with the agent. */
  mayLeave?: boolean;
  /** Unix sockets of the two proxies. */
  modelSocket: string;
  egressSocket: string;
}

const RELAY = fileURLToPath(new URL("relay.mjs", import.meta.url));
const NODE_INSIDE = `${INSIDE.runyard}/node`;
const RELAY_INSIDE = `${INSIDE.runyard}/relay.mjs`;

/** What the sandbox has to show so that {@link launchSandboxed} works. */
export const RELAY_SHOWN = [
  { host: process.execPath, inside: NODE_INSIDE },
  { host: RELAY, inside: RELAY_INSIDE },
] as const;

/** Starts the agent in the sandbox. `path` is where bwrap is looked for, in the form of `PATH`. */
export function launchSandboxed(
  agent: AgentCommand,
  plan: SandboxPlan,
  path: string,
): AgentProcess {
  const { limits, workspace, home } = plan;
  const memory = { limitBytes: limits.memoryBytes, sharedBefore: sharedOfMachine() };
  const tasks = limits.processes * THREADS_PER_PROCESS;
  const cgroup = makeCgroup({ memoryBytes: limits.memoryBytes, tasks });
  const child = startInSandbox([NODE_INSIDE, RELAY_INSIDE], plan, {
    path,
    // A terminal's Ctrl-C is for the runner, which interrupts the agent itself.
    detached: true,
    stdio: ["pipe", "pipe", "pipe", "pipe"],
    onSpawn: (pid) => cgroup?.join(pid),
  });
  if (child.pid === undefined) return attach(child, agent, { cgroup });
  const tree = { root: child.pid };
  const disk = startDiskMeter({
    folders: [workspace, home],
    limitBytes: limits.diskBytes,
    processes: () => sandboxOf(tree),
  });
  return attach(child, agent, { tree, memory, cgroup, disk });
}

/**
 * Starts the agent unconfined, in a process group of its own. `inherited` are further variables for
 * it and all that it starts.
 */
export function launchUnconfined(
  agent: AgentCommand,
  inherited: Readonly<Record<string, string>>,
): AgentProcess {
  const cookie = newCookie();
  const environment = { ...inherited, ...cookie.variables };
  const child = spawn(process.execPath, [RELAY], {
    env: environment,
    cwd: agent.directory,
    detached: true,
    stdio: ["pipe", "pipe", "pipe", "pipe"],
  });
  const marked = { ...agent, environment: { ...agent.environment, ...environment } };
  const tree = child.pid === undefined ? undefined : { root: child.pid, cookie: cookie.mark };
  return attach(child, marked, { tree });
}

/** By what a started process is seen and bounded; a part is absent where it is not to be had. */
interface Bounds {
  tree?: ProcessTree | undefined;
  memory?: MemoryView;
  cgroup?: Cgroup | undefined;
  disk?: DiskMeter;
}

function attach(
  child: ChildProcess,
  agent: AgentCommand,
  { tree, memory, cgroup, disk }: Bounds,
): AgentProcess {
  const control = child.stdio[3] as Socket;
  control.on("error", () => {});
  const reports = reportsOf(control);
  control.write(`${JSON.stringify({ ...agent, addressed: ADDRESSED })}\n`);
  const [stdin, stdout, stderr] = [child.stdin, child.stdout, child.stderr];
  if (!(stdin && stdout && stderr)) throw new Error("the agent's streams are not open");
  stdin.on("error", () => {});
  return {
    stdin,
    stdout,
    stderr,
    ended: endOf(child, reports, agent),
    modelHost: () => reports.soFar.modelHost,
    interrupt: () => void control.write("interrupt\n"),
    left: () => (tree === undefined ? [] : leftIn(tree)),
    kill: async () => {
      disk?.close();
      if (tree !== undefined) {
        await killTree(tree);
        control.destroy();
      }
      cgroup?.remove();
    },
    usage: () => ({
      ...(tree === undefined ? NOTHING : usageOf(tree, cgroup === undefined ? memory : undefined)),
      diskBytes: disk?.usedBytes() ?? 0,
      exceeded: cgroup?.exceeded(),
    }),
    lookAtDisk: async () => void (await disk?.look()),
  };
}

/** The relay reports the agent's end; if it dies itself, its own end counts. */
function endOf(
  child: ChildProcess,
  { last, end }: Reports,
  { mayLeave = false }: AgentCommand,
): Promise<AgentEnd> {
  const whole = endOfRelay(child, last);
  return mayLeave ? Promise.race([end, whole]) : whole;
}

async function endOfRelay(child: ChildProcess, last: Promise<Report>): Promise<AgentEnd> {
  try {
    const [exitCode, signal] = (await once(child, "exit")) as [number | null, string | null];
    const report = await last;
    if (report.end) return report.end;
    if (report.isStarted) return { exitCode, signal };
    return { error: `the agent's relay ended early (${signal ?? `exit code ${exitCode}`})` };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

interface Report {
  isStarted: boolean;
  modelHost?: string;
  end?: AgentEnd;
}

interface Reports {
  soFar: Readonly<Report>;
  last: Promise<Report>;
  /** Comes when the relay tells of the agent's end, which it may never do. */
  end: Promise<AgentEnd>;
}

function reportsOf(control: Socket): Reports {
  const report: Report = { isStarted: false };
  const { promise: end, resolve } = Promise.withResolvers<AgentEnd>();
  const read = async (): Promise<Report> => {
    try {
      for await (const line of readLines(control, 64 * 1024)) {
        if ("text" in line) takeReport(report, line.text);
        if (report.end) resolve(report.end);
      }
    } catch {
      // The socket broke: what was reported until then counts.
    }
    return report;
  };
  return { soFar: report, last: read(), end };
}

function takeReport(report: Report, line: string): void {
  const { started, model, error, exitCode = null, signal = null } = JSON.parse(line);
  if (started === true) {
    report.isStarted = true;
    if (/^127\.0\.0\.1:\d{1,5}$/.test(model)) report.modelHost = model;
  } else if (typeof error === "string") report.end = { error };
  else if (isExit(exitCode, signal)) report.end = { exitCode, signal };
}

const isExit = (exitCode: unknown, signal: unknown): boolean =>
  (exitCode === null || Number.isInteger(exitCode)) &&
  (signal === null || typeof signal === "string");

/** Where the sockets' folder of the machine appears to the agent. */
export const socketsIn = (folder: string) => ({
  modelSocket: join(folder, "model.sock"),
  egressSocket: join(folder, "egress.sock"),
});
