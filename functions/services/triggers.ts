import type { Firing, FiringOutcome, Trigger } from "../../shared/triggers/trigger.ts";
import type { Part } from "./page.ts";

/** A trigger with what the server alone knows: who wrote it, and for which request. */
export interface TriggerRecord {
  trigger: Trigger;
  /** SHA-256 of the body that an Idempotency-Key is held to. */
  requestHash: string;
  /** Random; says whether a document is the one that we wrote. */
  writer: string;
  /** Random; the same of the change that was the last. */
  lastWriter?: string;
}

/** Triggers, and what became of the events that they were asked about. */
export interface TriggerStore {
  /**
   * Writes a new trigger. If one of that id is there already, nothing is written and it is
   * returned; a commit of our own whose acknowledgement was lost counts as written.
   *
   * @throws {AppError} limit_reached: the owner has as many as may be
   */
  create(record: TriggerRecord): Promise<TriggerRecord | undefined>;
  get(id: string): Promise<Trigger | undefined>;
  getRecord(id: string): Promise<TriggerRecord | undefined>;
  /** Triggers by their ids, as one read has them; those that are not there are left out. */
  getAll(ids: readonly string[]): Promise<Trigger[]>;
  /** A part of an owner's triggers, newest first. */
  list(owner: string, part: Part): Promise<Trigger[]>;
  /** Ids of the triggers that have one of these routes, at most thirty, in the order of the ids. */
  byRoute(routes: readonly string[]): Promise<string[]>;
  /** How many have this route, at most `limit`. */
  countOfRoute(route: string, limit: number): Promise<number>;
  /** Schedules whose `dueAt` has passed, longest due first. */
  dueBefore(now: Date, limit: number): Promise<Trigger[]>;
  /**
   * Changes a trigger in one transaction.
   *
   * @param change makes the trigger as it shall be; the same object: nothing is written; null: it
   * is deleted. What it throws ends the transaction. `now` is the transaction's read time.
   * @returns undefined: there is no such trigger, or it was deleted
   */
  transact(
    id: string,
    change: (trigger: Trigger, now: Date) => Trigger | null,
  ): Promise<Trigger | undefined>;
  getFiring(id: string): Promise<Firing | undefined>;
  /** A part of a trigger's firings, newest first; those of one outcome, if it is said. */
  listFirings(
    filter: { triggerId: string; outcome?: FiringOutcome | undefined },
    part: Part,
  ): Promise<Firing[]>;
}
