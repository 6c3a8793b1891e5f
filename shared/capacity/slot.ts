import type { BuildRef } from "../attempt/build-view.ts";
import { after } from "../clock.ts";
import { CAPACITY } from "../limits.ts";
import type { Target } from "./target.ts";

/**
 * `slots/{target}.{machine type}.{n}`: the right to one live build. What ends the build frees it,
 * never what ends the run; so it is also the duty to end a build that nobody needs, and keeps the
 * build's full name.
 */
export interface Slot {
  schemaVersion: 1;
  id: string;
  target: string;
  machineType: string;
  /** Its target's. */
  rank: number;
  /** `unknown`: a create without a known outcome holds it; there may be a build. */
  state: "free" | "held" | "unknown";
  /** `rank` and a random fraction while it is free, else null: what free slots are found by. */
  free: number | null;
  /** It is not given again, and deleted once it is free. */
  retired: boolean;
  holder: SlotHolder | null;
  /** SHA-256 of the holder's owner, hex; null while it is free. */
  ownerHash: string | null;
  build: BuildRef | null;
  /** Whether the run still needs the build; one that it does not is ended. */
  needed: boolean;
  takenAt: Date | null;
  /** When the sweep looks at it next; null while it is free. */
  dueAt: Date | null;
  /**
   * When no build can be live any more, whatever Cloud Build says; null: as long as that is not
   * known.
   */
  overAt: Date | null;
  /** How long it was held the last time. */
  holdSeconds: number | null;
}

/** The attempt that a slot was given to. */
interface SlotHolder {
  runId: string;
  attempt: number;
}

export type SlotEvent =
  | { type: "take"; ownerHash: string }
  /** Its holder begins to create the build. */
  | { type: "lease" }
  | { type: "submitted"; build: BuildRef; overAt: Date }
  /** No agent will start in the build, or work on: it must end. */
  | { type: "unneeded"; build: BuildRef; overAt: Date }
  /** Nobody knows whether there is a build. */
  | { type: "lost"; overAt: Date }
  /**
   * A build is over; null: there was none. Where it is not the slot's own, that one must end now.
   */
  | { type: "over"; build: BuildRef | null }
  | { type: "looked"; dueAt: Date };

/** An event of a slot, and whose it is: what comes from an earlier holder changes nothing. */
export interface SlotChange {
  id: string;
  holder: SlotHolder;
  event: SlotEvent;
}

/**
 * A slot that nobody holds. @param chance from 0 to 1, random: those who look for one do not meet
 */
export function newSlot(
  target: Pick<Target, "id" | "rank">,
  { machineType, n }: { machineType: string; n: number },
  chance: number,
): Slot {
  return {
    schemaVersion: 1,
    id: `${target.id}.${machineType}.${n}`,
    target: target.id,
    machineType,
    rank: target.rank,
    retired: false,
    holdSeconds: null,
    ...FREE,
    free: target.rank + chance,
  };
}

const FREE = {
  state: "free",
  holder: null,
  ownerHash: null,
  build: null,
  needed: false,
  takenAt: null,
  dueAt: null,
  overAt: null,
} as const;

/**
 * Computes what an event does to a slot.
 *
 * @param of.now the read time of the transaction that asks
 * @param of.freeAs the slot's `free` should it become free
 * @returns `deleted`: it was retired, and is free; undefined: the event does not apply
 */
export function nextSlot(
  slot: Slot,
  { holder, event }: Pick<SlotChange, "holder" | "event">,
  { now, freeAs }: { now: Date; freeAs: number },
): Slot | "deleted" | undefined {
  if (event.type === "take") return taken(slot, { holder, ownerHash: event.ownerHash, now });
  const isHolder = slot.holder?.runId === holder.runId && slot.holder.attempt === holder.attempt;
  if (slot.state === "free" || !isHolder) return undefined;
  if (event.type === "over") {
    const isOther =
      slot.build !== null && event.build !== null && slot.build.name !== event.build.name;
    return isOther ? { ...slot, needed: false, dueAt: now } : freed(slot, now, freeAs);
  }
  const change = changeOf(slot, event, now);
  return change && { ...slot, ...change };
}

/** What an event of its holder changes in a slot that goes on being held. */
function changeOf(
  slot: Slot,
  event: Exclude<SlotEvent, { type: "take" | "over" }>,
  now: Date,
): Partial<Slot> | undefined {
  const isKnown = "build" in event && slot.build?.name === event.build.name;
  switch (event.type) {
    case "lease":
      return slot.state === "held" && slot.build === null ? { dueAt: lookAt(now) } : undefined;
    case "submitted": {
      if (isKnown && slot.needed) return undefined;
      const { build, overAt } = event;
      return { state: "held", build, overAt, needed: true, dueAt: lookAt(now) };
    }
    case "unneeded": {
      const overAt = (isKnown && slot.overAt) || event.overAt;
      return { state: "held", build: event.build, overAt, needed: false, dueAt: now };
    }
    case "lost":
      return { state: "unknown", needed: false, overAt: event.overAt, dueAt: lookAt(now) };
    case "looked":
      return { dueAt: event.dueAt };
  }
}

/**
 * A slot as its target now wants it.
 *
 * @param fresh the slot as it would be made; its `free` is another's chance
 * @returns undefined: as it is
 */
export function fittedSlot(
  slot: Slot | undefined,
  fresh: Slot,
  isWanted: boolean,
): Slot | "deleted" | undefined {
  if (slot === undefined) return isWanted ? fresh : undefined;
  if (!isWanted && slot.state === "free") return "deleted";
  if (slot.retired !== isWanted && slot.rank === fresh.rank) return undefined;
  const free = slot.free === null ? null : fresh.free;
  return { ...slot, retired: !isWanted, rank: fresh.rank, free };
}

function taken(
  slot: Slot,
  { holder, ownerHash, now }: { holder: SlotHolder; ownerHash: string; now: Date },
): Slot | undefined {
  if (slot.state !== "free" || slot.retired) return undefined;
  return { ...slot, ...held(holder, ownerHash, now) };
}

function held(holder: SlotHolder, ownerHash: string, now: Date): Partial<Slot> {
  const dueAt = lookAt(now);
  return {
    ...FREE,
    state: "held",
    free: null,
    holder,
    ownerHash,
    needed: true,
    takenAt: now,
    dueAt,
  };
}

function freed(slot: Slot, now: Date, freeAs: number): Slot | "deleted" {
  if (slot.retired) return "deleted";
  const holdSeconds = (now.getTime() - (slot.takenAt ?? now).getTime()) / 1000;
  return { ...slot, ...FREE, free: freeAs, holdSeconds };
}

const lookAt = (now: Date): Date => after(now, CAPACITY.look);
