import type { Run } from "../../client/types.ts";

/** How a status is drawn and called. */
export interface Mark {
  icon: string;
  tone: "live" | "bad" | "warn" | "ok" | "ink3";
  word: string;
}

const MARKS: Readonly<Record<string, Mark>> = {
  pending: { icon: "pending", tone: "ink3", word: "Pending" },
  queued: { icon: "queued", tone: "ink3", word: "Queued" },
  running: { icon: "running", tone: "live", word: "Running" },
  cancelling: { icon: "cancelling", tone: "ink3", word: "Cancelling" },
  succeeded: { icon: "succeeded", tone: "ok", word: "Succeeded" },
  failed: { icon: "failed", tone: "bad", word: "Failed" },
  timed_out: { icon: "timed", tone: "bad", word: "Timed out" },
  cancelled: { icon: "cancelled", tone: "ink3", word: "Cancelled" },
  expired: { icon: "expired", tone: "bad", word: "Expired" },
};

/** The mark of a status alone. */
export const markOfStatus = (status: string): Mark =>
  MARKS[status] ?? { icon: "pending", tone: "ink3", word: status };

/** The mark of a run; a wait that is too long is amber, and so are denials. */
export function markOf(run: Run, isLate: boolean): Mark {
  const mark = markOfStatus(run.status);
  if (isLate) return { ...mark, tone: "warn", word: `${mark.word}, for too long` };
  const hasDenials = run.status === "succeeded" && (run.verdict?.deniedTools.length ?? 0) > 0;
  return hasDenials ? { icon: "denials", tone: "warn", word: "Succeeded with denials" } : mark;
}
