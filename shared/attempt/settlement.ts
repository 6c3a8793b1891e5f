import type { Run } from "../documents/run.ts";
import type { Session } from "../documents/session.ts";
import type { Verdict } from "./verdict.ts";

/** How an attempt ended: its verdict, and what it left, if anything. */
export interface Settlement {
  verdict: Verdict;
  /** Absent: the attempt left no result. */
  result?: Pick<Run, "output" | "usage" | "artifacts" | "isolation"> & {
    conversation: Pick<Run["conversation"], "session" | "remark">;
  };
  /** What the attempt leaves for the next turn; absent or null: nothing that could be restored. */
  session?: Session | null;
}
