import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { ADDRESSED, newCookie } from "../environment.ts";
import { messageOf } from "../text.ts";
import { readLines } from "./line-reader.ts";
import { killTree, type ProcessTree, type Usage, usageOf } from "./processes.ts";
import { INSIDE, type SandboxPlan, sandboxed, writeOptions } from "./sandbox.ts";

/** How the agent ended; `error` if it could not be started at all. */
export type AgentEnd = { exitCode: number | null; signal: string | null } | { error: string };

/** The agent as a process, with everything that it started. */
export interface AgentProcess {
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  /** Never rejects. */
  ended: Promise<AgentEnd>;
  /** Asks it to stop (SIGINT), so that it still gives its result. */
  interrupt(): void;
  /** Ends all of it at once and waits until nothing is left. */
  kill(): Promise<void>;
  usage(): Usage;
}

/** What to start. Paths are those that the agent will see: inside the sandbox if there is one. */
export interface AgentCommand {
  command: readonly string[];
  directory: string;
  environment: Readonly<Record<string, string>>;
  /** Its standard error goes where its standard output goes. Default: no. */
  mergesOutput?: boolean;
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
  const { file, args, options } = sandboxed([NODE_INSIDE, RELAY_INSIDE], plan, path);
  const child = spawn(file, args, {
    env: {},
    // A terminal's Ctrl-C is for the runner, which interrupts the agent itself.
    detached: true,
    stdio: ["pipe", "pipe", "pipe", "pipe", "pipe"],
  });
  writeOptions(child.stdio[4] as Writable, options);
  return attach(child, agent, undefined);
}

/**
 * Starts the agent unconfined, in a process group of its own. `inherited` are further variables for it
 * and all that it starts.
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
  return attach(child, marked, cookie.mark);
}

function attach(
  child: ChildProcess,
  agent: AgentCommand,
  cookie: string | undefined,
): AgentProcess {
  const control = child.stdio[3] as Socket;
  control.on("error", () => {});
  control.write(`${JSON.stringify({ ...agent, addressed: ADDRESSED })}\n`);
  const [stdin, stdout, stderr] = [child.stdin, child.stdout, child.stderr];
  if (!(stdin && stdout && stderr)) throw new Error("the agent's streams are not open");
  stdin.on("error", () => {});
  const tree: ProcessTree | undefined =
    child.pid === undefined ? undefined : { root: child.pid, ...(cookie && { cookie }) };
  return {
    stdin,
    stdout,
    stderr,
    ended: endOf(child, control),
    interrupt: () => void control.write("interrupt\n"),
    kill: async () => {
      if (tree === undefined) return;
      await killTree(tree);
      control.destroy();
    },
    usage: () => (tree === undefined ? { processes: 0, residentBytes: 0 } : usageOf(tree)),
  };
}

/** The relay reports the agent's end; if it dies itself, its own end counts. */
async function endOf(child: ChildProcess, control: Socket): Promise<AgentEnd> {
  const reported = lastReport(control);
  try {
    const [exitCode, signal] = (await once(child, "exit")) as [number | null, string | null];
    const report = await reported;
    if (report.end) return report.end;
    if (report.isStarted) return { exitCode, signal };
    return { error: `the agent's relay ended early (${signal ?? `exit code ${exitCode}`})` };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

interface Report {
  isStarted: boolean;
  end?: AgentEnd;
}

async function lastReport(control: Socket): Promise<Report> {
  const report: Report = { isStarted: false };
  try {
    for await (const line of readLines(control, 64 * 1024)) {
      if ("text" in line) takeReport(report, line.text);
    }
  } catch {
    // The socket broke: what was reported until then counts.
  }
  return report;
}

function takeReport(report: Report, line: string): void {
  const { started, error, exitCode = null, signal = null } = JSON.parse(line);
  if (started === true) report.isStarted = true;
  else if (typeof error === "string") report.end = { error };
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
