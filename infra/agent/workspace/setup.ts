import { writeFile } from "node:fs/promises";
import type { Progress } from "../engines/progress.ts";
import type { NotStarted } from "../sandbox/helper.ts";
import type { WatchOptions } from "../sandbox/watch.ts";
import { oneLine } from "../text.ts";
import { type CommandOptions, runCommand } from "./command.ts";

export interface SetupOptions extends CommandOptions {
  /** How long a command may still take when it is started. */
  patience(): WatchOptions["patience"];
  onProgress(progress: Progress): void;
}

const LAST_LINE_LENGTH = 300;

/**
 * Runs the setup commands, one after the other, until one fails. Nothing that a command started
 * outlives it.
 *
 * @throws if a command cannot be started at all: that is no fault of the command.
 */
export async function runSetup(setup: SetupOptions): Promise<NotStarted | undefined> {
  const { files, logFile } = setup;
  await writeFile(logFile, "", { mode: 0o600 });
  for (const [index, file] of files.entries()) {
    const name = `setup command ${index + 1} of ${files.length}`;
    setup.onProgress({ text: name, turn: 0 });
    const run = await runCommand(setup, { file, name }, setup.patience());
    const { end, stoppedBy, output, how } = run;
    if ("error" in end) throw new Error(`${name} could not be started: ${end.error}`);
    if (end.exitCode === 0 && stoppedBy === null) continue;
    const last = oneLine(output.trim().split("\n").at(-1) ?? "", LAST_LINE_LENGTH);
    const error = `S${name.slice(1)} ended ${how}.${last && ` Its last words: ${last}`}`;
    return { failedStep: "setup", stoppedBy, error };
  }
  return undefined;
}
