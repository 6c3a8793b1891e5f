import { appendFile, writeFile } from "node:fs/promises";
import type { Progress } from "../engines/progress.ts";
import type { NotStarted } from "../sandbox/helper.ts";
import type { AgentEnd, AgentProcess } from "../sandbox/launch.ts";
import { tailOf } from "../sandbox/tail.ts";
import { awaitEnd, type StopCause, type WatchOptions, watchOver } from "../sandbox/watch.ts";
import type { Hiding } from "../secrets.ts";
import { oneLine } from "../text.ts";

export interface SetupOptions extends Omit<WatchOptions, "patience"> {
  /** One script per command, as bash will see it. */
  files: readonly string[];
  /** Starts a command as the agent will be started; its standard error is in its standard output. */
  launch(command: readonly string[]): AgentProcess;
  /** How long a command may still take when it is started. */
  patience(): WatchOptions["patience"];
  /** Gets the end of what each command says. */
  logFile: string;
  hiding: Hiding;
  onProgress(progress: Progress): void;
}

/** Of each command's output, in bytes of UTF-8. */
const LOG_BYTES = 64 * 1024;
const LAST_LINE_LENGTH = 300;
/** A script of several lines stops at the first that fails. */
const BASH = ["/bin/bash", "-eo", "pipefail"];

/**
 * Runs the setup commands, one after the other, until one fails. Nothing that a command started
 * outlives it.
 *
 * @throws if a command cannot be started at all: that is no fault of the command.
 */
export async function runSetup(setup: SetupOptions): Promise<NotStarted | undefined> {
  const { files, clock, log, logFile } = setup;
  await writeFile(logFile, "", { mode: 0o600 });
  for (const [index, file] of files.entries()) {
    const name = `setup command ${index + 1} of ${files.length}`;
    setup.onProgress({ text: name, turn: 0 });
    const startedAt = clock.now();
    const { end, stoppedBy, output } = await runCommand(file, setup);
    if ("error" in end) throw new Error(`${name} could not be started: ${end.error}`);
    const how = `${describeEnd(end)}${stoppedBy === null ? "" : `, stopped by ${stoppedBy}`}`;
    const ended = `${name} ended ${how} after ${((clock.now() - startedAt) / 1000).toFixed(1)} s`;
    log(ended);
    const said = `${output}${output.endsWith("\n") ? "" : "\n"}[${ended}]\n`;
    await appendFile(logFile, said).catch((error: Error) =>
      log(`not in setup.log: ${error.message}`),
    );
    if (end.exitCode === 0 && stoppedBy === null) continue;
    const last = oneLine(output.trim().split("\n").at(-1) ?? "", LAST_LINE_LENGTH);
    const error = `S${name.slice(1)} ended ${how}.${last && ` Its last words: ${last}`}`;
    return { failedStep: "setup", stoppedBy, error };
  }
  return undefined;
}

interface CommandRun {
  end: AgentEnd;
  stoppedBy: StopCause | null;
  output: string;
}

async function runCommand(file: string, setup: SetupOptions): Promise<CommandRun> {
  const command = setup.launch([...BASH, file]);
  const watch = watchOver(command, { ...setup, patience: setup.patience() });
  const output = tailOf(command.stdout, LOG_BYTES);
  const complaint = tailOf(command.stderr, LOG_BYTES);
  command.stdin.end();
  const end = await awaitEnd(command, {
    watch,
    output: [output.done, complaint.done],
    log: setup.log,
  });
  return { end, stoppedBy: watch.stoppedBy(), output: output.text(setup.hiding.text) };
}

const describeEnd = ({ exitCode, signal }: Exclude<AgentEnd, { error: string }>): string =>
  signal === null ? `with exit code ${exitCode}` : `by ${signal}`;
