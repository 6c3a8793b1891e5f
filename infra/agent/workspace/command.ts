import { appendFile } from "node:fs/promises";
import type { AgentEnd, AgentProcess } from "../sandbox/launch.ts";
import { tailOf } from "../sandbox/tail.ts";
import { awaitEnd, type StopCause, type WatchOptions, watchOver } from "../sandbox/watch.ts";
import type { Hiding } from "../secrets.ts";

/** What runs commands of a request in the sandbox, one after the other. */
export interface CommandOptions extends Omit<WatchOptions, "patience"> {
  /** One script per command, as bash will see it. */
  files: readonly string[];
  /** Starts a command as the agent is started; its standard error is in its standard output. */
  launch(command: readonly string[]): AgentProcess;
  /** Gets the end of what each command says. */
  logFile: string;
  hiding: Hiding;
}

/** A command that is over. */
export interface CommandRun {
  end: AgentEnd;
  stoppedBy: StopCause | null;
  /** The end of what it said. */
  output: string;
  /** How it ended, in words for the middle of a sentence. */
  how: string;
  ms: number;
}

/** Of each command's output, in bytes of UTF-8. */
const LOG_BYTES = 64 * 1024;
/** A script of several lines stops at the first that fails. */
const BASH = ["/bin/bash", "-eo", "pipefail"];

/**
 * Runs a command, and leaves nothing of it at work. How it ended stands in the log, and with what
 * it said in the log file; the command itself and its name stand in neither.
 *
 * @param file its script
 * @param name what the log calls it
 */
export async function runCommand(
  options: CommandOptions,
  { file, name }: { file: string; name: string },
  patience: WatchOptions["patience"],
): Promise<CommandRun> {
  const { clock, log, logFile } = options;
  const startedAt = clock.now();
  const { end, stoppedBy, output } = await seeThrough(file, options, patience);
  const ms = Math.max(0, Math.round(clock.now() - startedAt));
  const how = `${describeEnd(end)}${stoppedBy === null ? "" : `, stopped by ${stoppedBy}`}`;
  const ended = `${name} ended ${how} after ${(ms / 1000).toFixed(1)} s`;
  log(ended);
  const said = `${output}${output.endsWith("\n") ? "" : "\n"}[${ended}]\n`;
  await appendFile(logFile, said).catch((error: Error) => log(`not logged: ${error.message}`));
  return { end, stoppedBy, output, how, ms };
}

async function seeThrough(
  file: string,
  options: CommandOptions,
  patience: WatchOptions["patience"],
): Promise<Pick<CommandRun, "end" | "stoppedBy" | "output">> {
  const command = options.launch([...BASH, file]);
  const watch = watchOver(command, { ...options, patience });
  const output = tailOf(command.stdout, LOG_BYTES);
  const complaint = tailOf(command.stderr, LOG_BYTES);
  command.stdin.end();
  const end = await awaitEnd(command, {
    watch,
    output: [output.done, complaint.done],
    log: options.log,
  });
  return { end, stoppedBy: watch.stoppedBy(), output: output.text(options.hiding.text) };
}

function describeEnd(end: AgentEnd): string {
  if ("error" in end) return `before it began: ${end.error}`;
  return end.signal === null ? `with exit code ${end.exitCode}` : `by ${end.signal}`;
}
