import type { Run } from "../../client/types.ts";
import { durationText } from "../words/time.ts";

export type CheckResult = NonNullable<NonNullable<Run["verdict"]>["checks"]>[number];

export const checksOf = ({ verdict }: Run): CheckResult[] => verdict?.checks ?? [];

/** What became of a check, as words: failed with exit code 1 after 1.5 s. */
export function checkWords({ state, exitCode, ms }: CheckResult): string {
  const after = ms === null ? "" : ` after ${durationText(ms)}`;
  if (state === "not_run") return "did not run";
  if (state === "timed_out") return `timed out${after}`;
  if (state === "passed") return `passed${after}`;
  return `${exitCode === null ? "was stopped" : `failed with exit code ${exitCode}`}${after}`;
}

/** Of all of them: 2 passed, 1 did not. */
export function checksSummary(checks: readonly CheckResult[]): string {
  const passed = checks.filter(({ state }) => state === "passed").length;
  const missed = checks.length - passed;
  if (missed === 0) return `${passed} passed`;
  return passed === 0 ? `${missed} did not pass` : `${passed} passed, ${missed} did not`;
}
