import type { Accepted, FiredBy } from "../../shared/run/accept.ts";
import type { RunRecord } from "../../shared/run/record.ts";
import type { Firing, Trigger } from "../../shared/triggers/trigger.ts";
import type { BeforeTurn } from "./runs.ts";

/** A firing as it shall be stored, unless what is there decides otherwise. */
export type FiringDraft = Omit<
  Firing,
  "schemaVersion" | "owner" | "triggerId" | "revision" | "duplicates" | "createdAt" | "expireAt"
>;

/** The run that a firing shall start. */
export interface RunOfFiring {
  id: string;
  /** What it may spend, in millionths of a USD. */
  budgetMicros: number;
  /** The conversation of the event's key; null: it begins one of its own. */
  conversationId: string | null;
  /** Parts of the trigger's limits that had room, in the order in which they are asked. */
  parts: readonly number[];
  /**
   * Makes the run for its place.
   *
   * @param before the conversation whose next turn it is; undefined: it begins one
   */
  accept(by: FiredBy, before: Pick<BeforeTurn, "conversation" | "session"> | undefined): Accepted;
}

/** What shall be decided on an event at a trigger. */
export interface FiringOrder {
  /** As the event was evaluated with. */
  trigger: Trigger;
  draft: FiringDraft;
  /** Of an event that matched. */
  run?: RunOfFiring | undefined;
  /** The tick of a schedule, with which it goes on to the next; null: there is none. */
  tick?: { at: Date; next: Date | null } | undefined;
  /** An expression was over its time. */
  isOverTime?: boolean | undefined;
}

/** What was decided. */
export type Decided =
  /** `record`: the run that it started. */
  | { is: "decided"; firing: Firing; record?: RunRecord }
  /** It was decided before; `record`: the run that it started, if it is still there. */
  | { is: "duplicate"; firing: Firing; record?: RunRecord }
  /** The trigger has another revision: the event has to be evaluated once more. */
  | { is: "changed" }
  /** The trigger is deleted, disabled or paused; or its schedule went on. */
  | { is: "gone" };

/** What became of events at triggers. */
export interface FiringStore {
  /** Decides on an event at a trigger and writes all that follows, in one transaction. */
  fire(order: FiringOrder): Promise<Decided>;
  /**
   * The parts of a trigger's limits that have room for one more run, first the one at `start`; or,
   * in people's words, which limit is reached. Where nothing has room nothing will in this hour or
   * day, unless a run gives back what it did not spend.
   */
  roomOf(
    trigger: Trigger,
    of: { budgetMicros: number; start: number; now: Date },
  ): Promise<{ parts: number[] } | { full: string }>;
  /** What each of some triggers started on the day of `now`, in their order. */
  todayOf(triggers: readonly Trigger[], now: Date): Promise<{ runs: number; usd: number | null }[]>;
  /** The runs that one waits for, in its conversation or its trigger's lane. */
  aheadOf(record: RunRecord): Promise<string[]>;
  /** How many of a trigger's events were filtered since an instant, at most `limit`. */
  countFiltered(triggerId: string, since: Date, limit: number): Promise<number>;
}
