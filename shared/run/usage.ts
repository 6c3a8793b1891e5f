import type { Settlement } from "../attempt/settlement.ts";
import type { Usage } from "../documents/run.ts";

const UNKNOWN: Usage = {
  costUsd: null,
  inputTokens: null,
  outputTokens: null,
  turns: null,
  incomplete: true,
};

/** What a run has used, with one more of its attempts. Null: no agent of it has started. */
export function usageWith(
  before: Usage | null,
  { result, checkpoint, spentUsd }: Pick<Settlement, "result" | "checkpoint" | "spentUsd">,
): Usage | null {
  // Who has left no result and spent nothing for certain has had no agent.
  if (result === undefined && spentUsd === 0) return before;
  const used = result?.usage ?? UNKNOWN;
  return {
    costUsd: sumOf(before?.costUsd, used.costUsd),
    inputTokens: sumOf(before?.inputTokens, used.inputTokens),
    outputTokens: sumOf(before?.outputTokens, used.outputTokens),
    turns: sumOf(before?.turns, used.turns),
    incomplete: before?.incomplete === true || used.incomplete || checkpoint !== undefined,
  };
}

/** Of what is known; null: nothing is. */
function sumOf(before: number | null = null, more: number | null): number | null {
  if (before === null || more === null) return before ?? more;
  return before + more;
}
