import type { RunStatus } from "../documents/run.ts";
import type { Trigger } from "./trigger.ts";

/** Errors and failed runs in a row after which a trigger pauses itself. */
const MOST_IN_ROW = 10;
/** An expression that is over its time keeps others waiting: three of them are too many. */
const WEIGHTS = { failure: 1, overTime: 4 } as const;

type Before = Pick<Trigger, "revision" | "pausedWhy" | "failures">;

/** What changes of a trigger when it fails once more; a caller's change begins anew. */
export function afterFailure(
  { revision, pausedWhy, failures }: Before,
  { kind, why, now }: { kind: keyof typeof WEIGHTS; why: string; now: Date },
): Partial<Trigger> {
  if (pausedWhy !== null) return {};
  const before = failures?.revision === revision ? failures.inRow : 0;
  const inRow = before + WEIGHTS[kind];
  const counted = { failures: { revision, inRow } };
  if (inRow < MOST_IN_ROW) return counted;
  const said = `Paused: it failed again and again, at last so: ${why}`;
  // The sweep tells of it, since it is due.
  return { ...counted, pausedWhy: said, route: null, dueAt: now };
}

/** The same of a run that succeeded. */
export const afterSuccess = ({ failures }: Before): Partial<Trigger> =>
  failures === undefined || failures.inRow === 0 ? {} : { failures: { ...failures, inRow: 0 } };

/** What the end of a run says of the trigger that started it; undefined: nothing. */
export function sayingOf(status: RunStatus): "failure" | "success" | undefined {
  if (status === "succeeded") return "success";
  return status === "cancelled" ? undefined : "failure";
}
