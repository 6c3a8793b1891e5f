import type { Line } from "../../shared/capacity/line.ts";
import type { QueuePlace } from "../../shared/capacity/place.ts";
import type { Slot, SlotChange } from "../../shared/capacity/slot.ts";
import type { Target } from "../../shared/capacity/target.ts";
import type { RunRecord } from "../../shared/run/record.ts";

/**
 * How many runs wait, by what for: `slot` a slot, `no_slots` a slot of a machine type that no
 * target has any of, `cloud_build` a machine of Cloud Build's; `other` are those that wait for a
 * turn before theirs, to be tried again, or are being submitted.
 */
export type WaitingRuns = Readonly<Record<"slot" | "no_slots" | "cloud_build" | "other", number>>;

/** Where builds may run, who runs there, and who waits. */
export interface CapacityStore {
  /** Every target, those of the lowest rank first; as it was at most ten seconds ago. */
  targets(): Promise<Target[]>;
  /**
   * Changes a target in a transaction.
   *
   * @param change makes the target as it shall be at `now`, the transaction's read time; the same
   * object: nothing is written
   */
  changeTarget(id: string, change: (target: Target, now: Date) => Target): Promise<void>;
  /**
   * Makes the slots of a machine type that a target says it has, and retires those that it no
   * longer has.
   */
  makeSlots(target: Target, machineType: string): Promise<void>;
  /** A free slot of one of the targets, by random; undefined: none is free. */
  freeSlot(machineType: string, targets: readonly Target[]): Promise<Slot | undefined>;
  slot(id: string): Promise<Slot | undefined>;
  /** The slots of a run's attempts, of those that went before as well. */
  slotsOf(runId: string): Promise<Slot[]>;
  /** Slots whose `dueAt` has passed, longest due first, at most `CAPACITY.looks`. */
  dueSlots(now: Date): Promise<Slot[]>;
  /** @returns undefined: the event does not apply to the slot as it is */
  changeSlot(change: SlotChange): Promise<Slot | "deleted" | undefined>;
  /** Whether anybody waits for a slot of the machine type. */
  someWait(machineType: string): Promise<boolean>;
  /** The lines that wait, each with how many slots its owner holds, served longest ago first. */
  waitingLines(machineType: string, limit: number): Promise<{ line: Line; held: number }[]>;
  /**
   * The run of a line that was accepted first; undefined: none waits, and the line says so from now
   * on.
   */
  firstOf(line: Line): Promise<string | undefined>;
  /** The place of a run that waits in a line, by what is so at `now`; undefined: it does not. */
  placeOf(read: { record: RunRecord; now: Date }): Promise<QueuePlace | undefined>;
  /** The place that one more run of an owner would have; undefined: a slot is free. */
  placeOfNext(owner: string, machineType: string): Promise<QueuePlace | undefined>;
  /** About how many runs wait in a line: as it was seconds ago, 0 where that is not known. */
  waitingIn(lineId: string): number;
  /** The machine types for which somebody waits. */
  machineTypesWaitedFor(): Promise<string[]>;
  /** How many runs wait now, of all owners. */
  waitingRuns(): Promise<WaitingRuns>;
}
