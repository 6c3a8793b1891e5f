import type { Run } from "../documents/run.ts";
import type { Session } from "../documents/session.ts";
import type { Verdict } from "./verdict.ts";

/** How an attempt ended: its verdict, and what it left, if anything. */
export interface Settlement {
  verdict: Verdict;
  /** What the attempt has spent, in USD; absent: nobody knows. */
  spentUsd?: number;
  /** Absent: the attempt left no result. */
  result?: Pick<Run, "output" | "changes" | "usage" | "artifacts" | "isolation"> & {
    conversation: Pick<Run["conversation"], "session" | "remark">;
  };
  /** How long the phases of its runner took; absent: the attempt left no result. */
  phases?: Run["phases"];
  /** When its runner had taken the attempt, by that machine's clock. */
  startedAt?: Date;
  /** The checkpoint that `result` and `session` are of; absent: the attempt's own end. */
  checkpoint?: NonNullable<Run["checkpoint"]>;
  /**
   * What the attempt leaves for the next one, or for the next turn; absent or null: nothing to go
   * on from.
   */
  session?: Session | null;
}
