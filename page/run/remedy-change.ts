import type { Run, RunRequest } from "../../client/types.ts";
import { canContinue } from "../words/attention.ts";

/** A setting as it was, and as it would mend the run. */
export interface Change {
  setting: string;
  before: string;
  after: string;
  /** Whether "Continue" opens with it. */
  isContinued: boolean;
}

/** Rules that the API proposes at the end of its remedy. */
const RULES = /"allowedTools": (\[.*\])\.$/;

/** What the remedy of a run comes to in its settings; null: it does not say that so exactly. */
export function changeOf(run: Run, { settings }: RunRequest): Change | null {
  const rules = proposedRules(run.error?.remedy ?? "");
  if (rules.length > 0) {
    const { allowedTools = [] } = settings;
    const after = [...new Set([...allowedTools, ...rules])];
    return change("allowedTools", settings.allowedTools, after);
  }
  if (!canContinue(run)) return null;
  const { maxBudgetUsd, timeoutSeconds } = settings;
  const outcome = run.verdict?.outcome;
  if (outcome === "budget_exhausted" && maxBudgetUsd !== undefined) {
    return { ...change("maxBudgetUsd", maxBudgetUsd, 2 * maxBudgetUsd), isContinued: true };
  }
  if (outcome === "timed_out" && timeoutSeconds !== undefined) {
    return { ...change("timeoutSeconds", timeoutSeconds, 2 * timeoutSeconds), isContinued: true };
  }
  return null;
}

function proposedRules(remedy: string): string[] {
  try {
    const found: unknown = JSON.parse(RULES.exec(remedy)?.[1] ?? "[]");
    return Array.isArray(found) ? found.filter((rule) => typeof rule === "string") : [];
  } catch {
    return [];
  }
}

function change(setting: string, before: unknown, after: unknown): Change {
  const written = (value: unknown) => (value === undefined ? "none" : JSON.stringify(value));
  const name = `settings.${setting}`;
  return { setting: name, before: written(before), after: written(after), isContinued: false };
}
