import type { Turns } from "../documents/conversation.ts";
import { RUN_LIMITS } from "../limits.ts";
import type { Trigger } from "./trigger.ts";

/** `triggerLanes/{trigger}`: whose turn it is among a trigger's runs that shall not overlap. */
export interface Lane extends Turns {
  schemaVersion: 1;
  owner: string;
}

export const emptyLane = (owner: string, now: Date): Lane => ({
  schemaVersion: 1,
  owner,
  activeRun: null,
  queue: [],
  lastRun: null,
  updatedAt: now,
});

/** Why an event starts no run where others are at work or wait; undefined: it may. */
export function hindranceOf(
  { overlap }: Pick<Trigger, "overlap">,
  turns: Pick<Turns, "activeRun" | "queue"> | undefined,
): string | undefined {
  if (turns === undefined || turns.activeRun === null) return undefined;
  if (overlap === "skip") return `Run ${turns.activeRun} is not over, and overlap is skip.`;
  if (turns.queue.length < RUN_LIMITS.queuedTurns) return undefined;
  return `${turns.queue.length} runs wait already for run ${turns.activeRun} to end.`;
}

/** The runs that one waits for: the one at work, and those before it; none if it does not wait. */
export function aheadOf(
  { activeRun, queue }: Pick<Turns, "activeRun" | "queue">,
  runId: string,
): string[] {
  const place = queue.indexOf(runId);
  return activeRun === null || place < 0 ? [] : [activeRun, ...queue.slice(0, place)];
}
