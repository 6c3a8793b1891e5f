import type { DocumentReference, Transaction } from "@google-cloud/firestore";
import { type Line, waitingLine } from "../../../shared/capacity/line.ts";
import { nextSlot, type Slot, type SlotChange } from "../../../shared/capacity/slot.ts";
import {
  type Bucket,
  bucketsOf,
  isInDoubt,
  isPaused,
  type Target,
  takeToken,
  whileAsked,
} from "../../../shared/capacity/target.ts";
import { COLLECTIONS } from "../../../shared/names.ts";
import type { Changed, RunRecord } from "../../../shared/run/record.ts";
import { shardOf } from "../../../shared/shard.ts";
import type { Hindrance } from "../../services/runs.ts";
import { type Database, fromDocument } from "./client.ts";

/** A random number from 0 to 1. */
export type Chance = () => number;

/** How often at most a line says when it was served. */
const SERVED_MS = 1000;

/** A change that was not made, since something beside the run is not as it must be. */
export interface Hindered {
  hindrance: Hindrance;
  /** When it may be otherwise. */
  waitSeconds?: number;
}

/** What a change of a run writes beside the run: its slot, its line, and the rate of creates. */
export class SlotWrites {
  readonly #database: Database;
  readonly #chance: Chance;

  constructor(database: Database, chance: Chance) {
    this.#database = database;
    this.#chance = chance;
  }

  /**
   * Reads all that the change touches.
   *
   * @returns `write`, to be called when the transaction has read everything; or why the change
   * cannot be
   */
  async account(
    transaction: Transaction,
    before: RunRecord,
    { changed, now }: { changed: Changed; now: Date },
  ): Promise<{ write(): void } | Hindered> {
    const slot = await this.#slotWrite(transaction, changed.slot, now);
    if ("hindrance" in slot) return slot;
    const token = await this.#tokenWrite(transaction, changed.creates, now);
    if ("hindrance" in token) return token;
    const line = await this.#lineWrite(transaction, before, { changed, now });
    return {
      write() {
        for (const { write } of [slot, token, line]) write();
      },
    };
  }

  /** Applies an event to a slot alone. */
  async change(transaction: Transaction, change: SlotChange) {
    const document = this.#document(COLLECTIONS.slots, change.id);
    const read = await readDocument<Slot>(transaction, document);
    const next = read.data && this.#next(read.data, change, read.now);
    if (next !== undefined) writeSlot(transaction, document, next);
    return next;
  }

  async #slotWrite(
    transaction: Transaction,
    change: SlotChange | undefined,
    now: Date,
  ): Promise<{ write(): void } | Hindered> {
    if (change === undefined) return NOTHING;
    const document = this.#document(COLLECTIONS.slots, change.id);
    const { data } = await readDocument<Slot>(transaction, document);
    const next = data && this.#next(data, change, now);
    if (next !== undefined) return { write: () => writeSlot(transaction, document, next) };
    // A run must not have a slot that is another's; what it says of one that it lost is past.
    const { type } = change.event;
    return type === "take" || type === "lease" ? { hindrance: "slot taken" } : NOTHING;
  }

  #next(slot: Slot, change: SlotChange, now: Date) {
    return nextSlot(slot, change, { now, freeAs: slot.rank + this.#chance() });
  }

  async #tokenWrite(
    transaction: Transaction,
    targetId: string | undefined,
    now: Date,
  ): Promise<{ write(): void } | Hindered> {
    if (targetId === undefined) return NOTHING;
    const targetDocument = this.#document(COLLECTIONS.targets, targetId);
    const { data: target } = await readDocument<Target>(transaction, targetDocument);
    if (target === undefined) return { hindrance: "target paused" };
    if (isPaused(target, now)) return { hindrance: "target paused" };
    const k = Math.floor(this.#chance() * bucketsOf(target));
    const document = this.#document(COLLECTIONS.buckets, `${targetId}.${k}`);
    const { data: bucket } = await readDocument<Bucket>(transaction, document);
    const taken = takeToken(bucket, target, now);
    if ("waitSeconds" in taken) {
      return { hindrance: "no token", waitSeconds: taken.waitSeconds };
    }
    return {
      write() {
        transaction.set(document, taken.bucket);
        if (isInDoubt(target)) transaction.set(targetDocument, whileAsked(target, now));
      },
    };
  }

  async #lineWrite(
    transaction: Transaction,
    before: RunRecord,
    { changed: { record }, now }: { changed: Changed; now: Date },
  ): Promise<{ write(): void }> {
    const [was, is] = [before.state.line, record.state.line];
    const isServed = was !== null && is === null && record.state.slot !== null;
    const id = is !== null && was === null ? is : isServed ? was : undefined;
    if (id === undefined) return NOTHING;
    const document = this.#document(COLLECTIONS.lines, id);
    const { data: line } = await readDocument<Line>(transaction, document);
    if (!isServed) {
      if (line?.waiting) return NOTHING;
      return { write: () => void transaction.set(document, waitingLine(line, id)) };
    }
    const isRecent = line && now.getTime() - line.servedAt.getTime() < SERVED_MS;
    if (line === undefined || isRecent) return NOTHING;
    return { write: () => void transaction.set(document, { ...line, servedAt: now }) };
  }

  #document(collection: string, id: string): DocumentReference {
    return this.#database.firestore.doc(`${collection}/${id}`);
  }
}

const NOTHING = { write: () => {} };

async function readDocument<T>(
  transaction: Transaction,
  document: DocumentReference,
): Promise<{ data: T | undefined; now: Date }> {
  const snapshot = await transaction.get(document);
  const data = fromDocument(snapshot.data()) as T | undefined;
  return { data, now: snapshot.readTime.toDate() };
}

/** What its index is spread by stands in the document alone: no rule asks for it. */
export function writeSlot(
  transaction: Transaction,
  document: DocumentReference,
  slot: Slot | "deleted",
): void {
  if (slot === "deleted") transaction.delete(document);
  else transaction.set(document, { ...slot, shard: shardOf(slot.id) });
}
