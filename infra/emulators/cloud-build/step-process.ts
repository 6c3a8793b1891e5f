import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { BuildRun } from "./build-run.ts";

/** The exit code of a command that cannot be started, as a shell and Docker give it. */
const CANNOT_START = 127;

/** How long a pipe that a process took away with it may stay open after the step is over. */
const PIPE_GRACE_MS = 1_000;

/** A command to run as a step's first process. */
export interface StepCommand {
  index: number;
  argv: string[];
  cwd: string;
  env: Record<string, string>;
  /** Stands before each line that it writes. */
  logPrefix: string;
}

/**
 * Runs one command to its end, output to the log, and resolves to its exit code when neither it nor
 * any process that it started is left; 128 plus the signal's number if a signal ended it. When
 * `signal` aborts, everything is killed. Call only while it has not aborted: what is started here
 * starts at once.
 */
export async function runProcess(
  run: BuildRun,
  command: StepCommand,
  signal: AbortSignal,
): Promise<number> {
  const child = startProcess(command);
  if (child instanceof Error) return cannotStart(run, command, child);
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  logOutput(run, command.logPrefix, child);
  const { pid } = child;
  if (pid === undefined) {
    const [error] = (await once(child, "error")) as [Error];
    return cannotStart(run, command, error);
  }
  run.engine.processes.add(run.build.id, pid);
  const killStep = () => run.engine.processes.killStep(run.build.id, command.index, pid);
  const onAbort = () => void killStep();
  signal.addEventListener("abort", onAbort, { once: true });
  const [code, signalName] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  signal.removeEventListener("abort", onAbort);
  await killStep();
  await Promise.race([closed, sleep(PIPE_GRACE_MS, undefined, { ref: false })]);
  child.stdout?.destroy();
  child.stderr?.destroy();
  return code ?? 128 + (signalName === null ? 0 : constants.signals[signalName]);
}

/** An error is an argument vector or environment that the system does not take. */
function startProcess({ argv, cwd, env }: StepCommand): ChildProcess | Error {
  const [program = "", ...args] = argv;
  try {
    // A session of its own: the leader's pid is also the number of its process group.
    return spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function cannotStart(run: BuildRun, command: StepCommand, error: Error): number {
  const head = command.logPrefix === "" ? "" : `${command.logPrefix}: `;
  const reason = `exec: "${command.argv[0]}": ${error.message}`;
  run.log.line(`${head}starting step container failed: ${reason}`);
  return CANNOT_START;
}

function logOutput(run: BuildRun, prefix: string, child: ChildProcess): void {
  for (const pipe of [child.stdout, child.stderr]) {
    const stream = run.log.stream(prefix);
    pipe?.on("data", (chunk: Buffer) => stream.write(chunk));
    pipe?.on("close", () => stream.end());
    // A pipe that breaks ends the stream; the exit code says what happened.
    pipe?.on("error", () => {});
  }
}
