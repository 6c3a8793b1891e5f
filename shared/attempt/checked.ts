import type { CheckFacts, CheckResult, CheckState } from "../documents/check.ts";
import { RUN_LIMITS } from "../limits.ts";
import { cutTextStart, utf8Length } from "../text.ts";
import { type Judgement, OUTCOMES } from "./outcomes.ts";

/** What ended a check, and the run with it: it says nothing about what the agent left. */
const BROKEN_OFF = {
  cancel: ["cancelled", "The run was cancelled while its checks ran."],
  terminated: ["terminated", "The build was ended from outside while the run's checks ran."],
  superseded: ["terminated", "The attempt was decided by others while its checks ran."],
} as const satisfies Record<string, Judgement>;

const brokenOff = ({ stoppedBy }: CheckFacts): Judgement | undefined =>
  Object.hasOwn(BROKEN_OFF, stoppedBy ?? "")
    ? BROKEN_OFF[stoppedBy as keyof typeof BROKEN_OFF]
    : undefined;

function stateOf(check: CheckFacts): CheckState {
  const { exitCode, ms, stoppedBy } = check;
  if (ms === null || brokenOff(check) !== undefined) return "not_run";
  if (stoppedBy === "deadline") return "timed_out";
  return exitCode === 0 && stoppedBy === null ? "passed" : "failed";
}

/** The checks that did not pass and must, if what they say is about what the agent left. */
export function missedChecks(checks: readonly CheckFacts[]): CheckFacts[] {
  if (checks.some((check) => brokenOff(check) !== undefined)) return [];
  return checks.filter((check) => check.required && MISSED.includes(stateOf(check)));
}

const MISSED: readonly CheckState[] = ["failed", "timed_out"];

/**
 * A success that its checks do not confirm is none; what did not pass and need not is said. Every
 * other judgement stays what it is.
 *
 * @param rounds how often the agent worked
 */
export function withChecks(
  judgement: Judgement,
  { checks = [], rounds = 1 }: { checks?: readonly CheckFacts[]; rounds?: number },
): Judgement {
  const [outcome, message] = judgement;
  if (OUTCOMES[outcome].status !== "succeeded") return judgement;
  const broken = checks.map(brokenOff).find((one) => one !== undefined);
  if (broken !== undefined) return broken;
  const missed = checks.filter((check) => stateOf(check) !== "passed");
  const required = missed.filter((check) => check.required).map(described);
  const optional = missed.filter((check) => !check.required).map(described);
  const others = [
    ...(outcome === "succeeded" ? [] : [message]),
    ...(optional.length > 0 ? [`Checks that need not pass did not: ${optional.join(", ")}.`] : []),
  ];
  if (required.length > 0) {
    const failed = `Done, but checks did not pass: ${required.join(", ")}.`;
    const often = rounds > 1 ? [`The agent had ${rounds} rounds.`] : [];
    return ["checks_failed", [failed, ...often, ...others].join(" ")];
  }
  if (rounds > 1) others.push(`Its checks passed in round ${rounds}.`);
  return [outcome, [...(outcome === "succeeded" ? [message] : []), ...others].join(" ")];
}

/** A check and how it ended, as in a list. */
export function described(check: CheckFacts): string {
  const how = {
    passed: "passed",
    failed: check.stoppedBy === null ? exitOf(check) : `stopped by ${check.stoppedBy}`,
    timed_out: `timed out after ${((check.ms ?? 0) / 1000).toFixed(1)} s`,
    not_run: "did not run",
  }[stateOf(check)];
  return `${check.name} (${how})`;
}

const exitOf = ({ exitCode }: CheckFacts): string =>
  exitCode === null ? "killed" : `exit code ${exitCode}`;

/**
 * Of what the checks may show together, what those that passed may have; nobody looks for much
 * there.
 */
const PASSED_SHARE = 1 / 4;

/** The checks as a run's document shows them: what they said is cut to what it may hold of them. */
export function checkResults(checks: readonly CheckFacts[]): CheckResult[] {
  const states = checks.map(stateOf);
  const outputs = new Map<CheckFacts, string>();
  let left: number = RUN_LIMITS.checkOutputsBytes;
  const ofPassed = Math.floor((left * PASSED_SHARE) / Math.max(1, checks.length));
  const take = (check: CheckFacts, most: number): void => {
    const output = endWithin(check.output, most);
    left -= jsonBytes(output);
    outputs.set(check, output);
  };
  const missed = checks.filter((_, index) => states[index] !== "passed");
  for (const [index, check] of checks.entries()) {
    if (states[index] === "passed") take(check, ofPassed);
  }
  for (const [index, check] of missed.entries()) {
    take(check, Math.floor(left / (missed.length - index)));
  }
  return checks.map((check, index) => {
    const { name, required, exitCode, ms, editedByAgent } = check;
    const state = states[index] ?? "not_run";
    return { name, state, required, exitCode, ms, output: outputs.get(check) ?? "", editedByAgent };
  });
}

const jsonBytes = (text: string): number => utf8Length(JSON.stringify(text));

/** The end of a text that has at most so many bytes as JSON, 16 at least. */
function endWithin(text: string, maxBytes: number): string {
  let end = cutTextStart(text, maxBytes - 2);
  while (jsonBytes(end) > maxBytes) end = cutTextStart(end, Math.floor(utf8Length(end) * 0.8));
  return end;
}

/** Whether every required check passed; null: nothing is known of any. */
export function verifiedBy(checks: readonly CheckResult[] | undefined): boolean | null {
  if (checks === undefined) return null;
  return checks.every(({ required, state }) => !required || state === "passed");
}
