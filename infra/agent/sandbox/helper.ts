import { pipeline } from "node:stream/promises";
import type { AgentFacts } from "../../../shared/documents/manifest.ts";
import type { AgentEnd, AgentProcess } from "./launch.ts";
import { tailOf } from "./tail.ts";
import { awaitEnd, type StopCause, type WatchOptions, watchOver } from "./watch.ts";

/** How the runner's own commands (git) are run: apart from the machine, as the agent will be. */
export interface Helper extends WatchOptions {
  launch(command: readonly string[], environment: Readonly<Record<string, string>>): AgentProcess;
  /** `PATH` and the folder for temporary files, as a command sees them. */
  path: string;
  temporary: string;
}

/** Why the agent is not started. */
export type NotStarted = Pick<AgentFacts, "error" | "failedStep" | "stoppedBy">;

export interface HelperRun {
  /** It ended by itself and with exit code 0. */
  isDone: boolean;
  end: AgentEnd;
  stoppedBy: StopCause | null;
  /** The ends of what it said. */
  output: string;
  complaint: string;
}

interface HelperCommand {
  command: readonly string[];
  environment: Readonly<Record<string, string>>;
  /** Its standard input; what fails before its end shows in what the command makes of the rest. */
  input: Buffer | AsyncIterable<string | Uint8Array>;
}

const OUTPUT_BYTES = 16 * 1024;
const unchanged = (text: string): string => text;

/** Runs a command to its end; nothing that it started outlives it. Never throws. */
export async function runHelper(helper: Helper, what: HelperCommand): Promise<HelperRun> {
  const process = helper.launch(what.command, what.environment);
  const watch = watchOver(process, helper);
  const output = tailOf(process.stdout, OUTPUT_BYTES);
  const complaint = tailOf(process.stderr, OUTPUT_BYTES);
  const input = Buffer.isBuffer(what.input) ? [what.input] : what.input;
  pipeline(input, process.stdin).catch(() => {});
  const done = [output.done, complaint.done];
  const end = await awaitEnd(process, { watch, output: done, log: helper.log });
  const stoppedBy = watch.stoppedBy();
  return {
    isDone: stoppedBy === null && !("error" in end) && end.exitCode === 0,
    end,
    stoppedBy,
    output: output.text(unchanged),
    complaint: complaint.text(unchanged),
  };
}
