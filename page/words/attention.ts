import type { Run } from "../../client/types.ts";
import { instant } from "./time.ts";

/** How long a run may wait for capacity before a person should look, in milliseconds. */
const LONG_WAIT_MS = 10 * 60_000;
/** How long a fault that was seen stays on top. */
const RECENT_MS = 24 * 3600_000;

/** What a person can do about a run, by a verb. */
export type Remedy = "rerun" | "change" | "continue" | "cancel";

/** Whether somebody should look at a run: its fault, its denials, or its wait. */
export function needsAttention(
  run: Run,
  { isUnread, isAnswered, now }: { isUnread: boolean; isAnswered: boolean; now: number },
): boolean {
  if (waitsTooLong(run, now)) return true;
  if (!hasFault(run) || isAnswered || run.finishedAt === null) return false;
  return isUnread || now - instant(run.finishedAt) < RECENT_MS;
}

/** Whether a run that is over did not end as it was meant to. */
export function hasFault(run: Run): boolean {
  if (!run.done || run.status === "cancelled") return false;
  return run.status !== "succeeded" || (run.verdict?.deniedTools.length ?? 0) > 0;
}

/** Waiting for capacity; not for the turn before, which a person has sent. */
export function waitsTooLong(run: Run, now: number): boolean {
  const waits =
    run.status === "queued" || (run.status === "pending" && run.conversation.turn === 1);
  return waits && now - instant(run.createdAt) > LONG_WAIT_MS;
}

/** Whether the API would take `continue`: a limit, a timeout or a cancel ended it. */
export function canContinue({ done, status, error }: Run): boolean {
  const isStopped = ["timed_out", "cancelled", "expired"].includes(status);
  return done && (isStopped || error?.kind === "limit");
}

/** What mends a run, as far as a button can; undefined: nothing is wrong. */
export function remedyOf(run: Run): Remedy | undefined {
  if (!run.done) return "cancel";
  if (!hasFault(run)) return undefined;
  if (canContinue(run) && run.status !== "expired") return "continue";
  return run.error?.retryable ? "rerun" : "change";
}

export const REMEDY_WORDS: Readonly<Record<Remedy, string>> = {
  rerun: "Rerun",
  change: "Rerun with changes",
  continue: "Continue with more",
  cancel: "Cancel",
};

/** Ids of the runs that were repeated, continued or followed up: somebody has seen to them. */
export function answeredIds(runs: Iterable<Run>): Set<string> {
  const answered = new Set<string>();
  const lastOf = new Map<string, Run>();
  for (const run of runs) {
    if (run.parentRunId !== null) answered.add(run.parentRunId);
    const { id, turn } = run.conversation;
    const known = lastOf.get(id);
    const before = known?.conversation.turn ?? 0;
    if (turn > before) lastOf.set(id, run);
    if (known !== undefined && turn !== before) answered.add(turn > before ? known.id : run.id);
  }
  return answered;
}
