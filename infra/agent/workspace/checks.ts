import { writeFile } from "node:fs/promises";
import type { Check } from "../../../shared/agent/checks.ts";
import type { CheckFacts } from "../../../shared/documents/check.ts";
import { MANIFEST_LIMITS } from "../../../shared/documents/manifest.ts";
import { RUN_LIMITS } from "../../../shared/limits.ts";
import { cutTextStart } from "../../../shared/text.ts";
import type { StopCause, WatchOptions } from "../sandbox/watch.ts";
import { type CommandOptions, runCommand } from "./command.ts";

export interface ChecksOptions extends CommandOptions {
  checks: readonly Check[];
  /** How often the agent has worked on what they are about. */
  round: number;
  /** All that the agent changed. */
  changedPaths: readonly string[];
  /** Their common limit, in milliseconds since the epoch. */
  deadlineAt: number;
  /** How long a check that is started now may take, at most until then. */
  patienceUntil(deadlineAt: number): WatchOptions["patience"];
  onCheck(number: number): void;
}

/** What ends the run ends its checks. */
const OF_THE_RUN: readonly (StopCause | null)[] = ["cancel", "terminated", "superseded"];

/**
 * Runs the checks, one after the other, whatever the one before came to, until their time is over
 * or the run has ended. Nothing that a check started outlives it.
 */
export async function runChecks(options: ChecksOptions): Promise<CheckFacts[]> {
  const { checks, deadlineAt, clock, logFile, round } = options;
  // What they said in rounds before stays there.
  await writeFile(logFile, "", { mode: 0o600, flag: "a" });
  const facts = checksNotRun(options);
  for (const [index, check] of checks.entries()) {
    if (clock.now() >= deadlineAt) break;
    options.onCheck(index + 1);
    const name = `check ${index + 1} of ${checks.length}${round > 1 ? ` in round ${round}` : ""}`;
    const seconds = check.timeoutSeconds ?? RUN_LIMITS.defaultCheckSeconds;
    const until = Math.min(deadlineAt, clock.now() + seconds * 1000);
    const command = { file: options.files[index] ?? "", name };
    const run = await runCommand(options, command, options.patienceUntil(until));
    const { end, stoppedBy, output, ms } = run;
    const said = "error" in end ? end.error : output;
    facts[index] = {
      ...(facts[index] as CheckFacts),
      exitCode: "error" in end ? null : end.exitCode,
      stoppedBy,
      ms: "error" in end ? null : ms,
      // No document holds a NUL.
      output: cutTextStart(said.replaceAll("\0", "\ufffd"), MANIFEST_LIMITS.checkOutputBytes),
    };
    if (OF_THE_RUN.includes(stoppedBy)) break;
  }
  return facts;
}

/** Checks of a run that does not come to them. */
export const checksNotRun = ({
  checks,
  changedPaths,
}: Pick<ChecksOptions, "checks" | "changedPaths">): CheckFacts[] =>
  checks.map(({ name, command, required = true }) => ({
    ...{ name, required, exitCode: null, stoppedBy: null, ms: null, output: "" },
    editedByAgent: namesAny(command, changedPaths),
  }));

/**
 * What separates the words of a shell's commands; paths with such characters are looked for as they
 * are.
 */
const BETWEEN_WORDS = /[\s"'`;&|()<>=$,]+/;

/**
 * Whether a command names one of the paths, which are relative to the workspace, or a folder above
 * one. A word counts as a folder's only if it has a slash: `build` is more often a target than a
 * folder.
 */
export function namesAny(command: string, paths: readonly string[]): boolean {
  const words = new Set(command.split(BETWEEN_WORDS).map(plainPath).filter(Boolean));
  const folders = [...words].flatMap((word) =>
    word.includes("/") ? [word.endsWith("/") ? word : `${word}/`] : [],
  );
  return paths.some(
    (path) =>
      words.has(path) ||
      folders.some((folder) => path.startsWith(folder)) ||
      (BETWEEN_WORDS.test(path) && command.includes(path)),
  );
}

/** A path as a list of changes has it. */
const plainPath = (word: string): string =>
  word.replace(/^\/workspace\//, "").replace(/^(\.\/+)+/, "");
