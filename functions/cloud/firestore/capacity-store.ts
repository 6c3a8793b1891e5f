import type { CollectionReference, DocumentReference } from "@google-cloud/firestore";
import { type Line, lineIdOf } from "../../../shared/capacity/line.ts";
import type { QueuePlace } from "../../../shared/capacity/place.ts";
import { fittedSlot, newSlot, type Slot, type SlotChange } from "../../../shared/capacity/slot.ts";
import { isPaused, type Target } from "../../../shared/capacity/target.ts";
import { CAPACITY } from "../../../shared/limits.ts";
import { COLLECTIONS } from "../../../shared/names.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import type { CapacityStore, WaitingRuns } from "../../services/capacity.ts";
import { type Database, fromDocument } from "./client.ts";
import { dueIn, type Page } from "./due.ts";
import { countOf, countWaiting, placeAfter, readPlace, waitingRuns } from "./queue-place.ts";
import { RecentCounts } from "./recent-counts.ts";
import { type Chance, type SlotWrites, writeSlot } from "./slot-writes.ts";

/** How long the targets are believed to be as they were. */
const TARGETS_MS = 10_000;
/** Slots that are made at the same time. */
const WIDTH = 50;

/** Capacity in Firestore: `targets`, `slots`, `lines`. */
export class FirestoreCapacityStore implements CapacityStore {
  readonly #database: Database;
  readonly #writes: SlotWrites;
  readonly #chance: Chance;
  readonly #now: () => Date;
  readonly #waitingRuns: RecentCounts;
  /** What is being made, by target and machine type: whoever wants the same waits for it. */
  readonly #making = new Map<string, Promise<void>>();
  #targets: { at: number; read: Promise<Target[]> } | undefined;

  constructor(
    database: Database,
    { writes, chance, now }: { writes: SlotWrites; chance: Chance; now(): Date },
  ) {
    this.#database = database;
    this.#writes = writes;
    this.#chance = chance;
    this.#now = now;
    const count = (lineId: string) => countOf(database, waitingRuns(database, lineId));
    this.#waitingRuns = new RecentCounts(count, now);
  }

  targets(): Promise<Target[]> {
    const at = this.#now().getTime();
    if (this.#targets === undefined || Math.abs(at - this.#targets.at) > TARGETS_MS) {
      const read = this.#readTargets();
      this.#targets = { at, read };
      read.catch(() => {
        this.#targets = undefined;
      });
    }
    return this.#targets.read;
  }

  async #readTargets(): Promise<Target[]> {
    const all = this.#collection(COLLECTIONS.targets);
    const snapshot = await this.#database.call(() => all.get());
    const targets = snapshot.docs.map((document) => fromDocument(document.data()) as Target);
    return targets.sort((a, b) => a.rank - b.rank || (a.id < b.id ? -1 : 1));
  }

  async changeTarget(id: string, change: (target: Target, now: Date) => Target): Promise<void> {
    const { firestore, call } = this.#database;
    const document = this.#document(COLLECTIONS.targets, id);
    await call(() =>
      firestore.runTransaction(async (transaction) => {
        const snapshot = await transaction.get(document);
        const before = fromDocument(snapshot.data()) as Target | undefined;
        if (before === undefined) return;
        const target = change(before, snapshot.readTime.toDate());
        if (target !== before) transaction.set(document, target);
      }),
    );
    this.#targets = undefined;
  }

  makeSlots(target: Target, machineType: string): Promise<void> {
    const key = `${target.id}.${machineType}`;
    const making = this.#making.get(key) ?? this.#makeAll(target, machineType);
    this.#making.set(key, making);
    return making.finally(() => this.#making.delete(key));
  }

  async #makeAll(target: Target, machineType: string): Promise<void> {
    const wanted = target.slots[machineType] ?? 0;
    const most = Math.max(wanted, target.made[machineType] ?? 0);
    for (let first = 0; first < most; first += WIDTH) {
      const numbers = Array.from({ length: Math.min(WIDTH, most - first) }, (_, i) => first + i);
      await Promise.all(numbers.map((n) => this.#makeSlot(target, { machineType, n }, n < wanted)));
    }
    await this.changeTarget(target.id, (now) => ({
      ...now,
      made: { ...now.made, [machineType]: wanted },
    }));
  }

  async #makeSlot(
    target: Target,
    place: { machineType: string; n: number },
    isWanted: boolean,
  ): Promise<void> {
    const slot = newSlot(target, place, this.#chance());
    const document = this.#document(COLLECTIONS.slots, slot.id);
    const { firestore, call } = this.#database;
    await call(() =>
      firestore.runTransaction(async (transaction) => {
        const before = fromDocument((await transaction.get(document)).data()) as Slot | undefined;
        const fitted = fittedSlot(before, slot, isWanted);
        if (fitted !== undefined) writeSlot(transaction, document, fitted);
      }),
    );
  }

  async freeSlot(machineType: string, targets: readonly Target[]): Promise<Slot | undefined> {
    const slots = this.#collection(COLLECTIONS.slots).where("machineType", "==", machineType);
    for (const { id, rank } of targets) {
      const ofTarget = slots.where("target", "==", id).orderBy("free").limit(1);
      for (const from of [rank + this.#chance(), rank]) {
        const query = ofTarget.where("free", ">=", from);
        const [found] = (await this.#database.call(() => query.get())).docs;
        if (found) return fromDocument(found.data()) as Slot;
      }
    }
    return undefined;
  }

  async slot(id: string): Promise<Slot | undefined> {
    const document = this.#document(COLLECTIONS.slots, id);
    return fromDocument((await this.#database.call(() => document.get())).data()) as
      | Slot
      | undefined;
  }

  async slotsOf(runId: string): Promise<Slot[]> {
    const query = this.#collection(COLLECTIONS.slots).where("holder.runId", "==", runId);
    const { docs } = await this.#database.call(() => query.get());
    return docs.map((document) => fromDocument(document.data()) as Slot);
  }

  async dueSlots(now: Date): Promise<Slot[]> {
    const slots = this.#collection(COLLECTIONS.slots);
    const { value } = await dueIn(this.#database, slots, { now, limit: CAPACITY.looks }).next();
    return (value as Page)
      .slice(0, CAPACITY.looks)
      .map((document) => fromDocument(document.data()) as Slot);
  }

  changeSlot(change: SlotChange): Promise<Slot | "deleted" | undefined> {
    const { firestore, call } = this.#database;
    return call(() =>
      firestore.runTransaction((transaction) => this.#writes.change(transaction, change)),
    );
  }

  async someWait(machineType: string): Promise<boolean> {
    // In an order, so that the one index of lines serves it.
    const query = this.#waiting(machineType).orderBy("servedAt").limit(1).select();
    return !(await this.#database.call(() => query.get())).empty;
  }

  async waitingLines(machineType: string, limit: number): Promise<{ line: Line; held: number }[]> {
    const query = this.#waiting(machineType).orderBy("servedAt").limit(limit);
    const { docs } = await this.#database.call(() => query.get());
    return Promise.all(
      docs.map(async (document) => {
        const line = fromDocument(document.data()) as Line;
        return { line, held: await this.#held(line) };
      }),
    );
  }

  async #held({ machineType, ownerHash }: Line): Promise<number> {
    const slots = this.#collection(COLLECTIONS.slots);
    const own = slots.where("machineType", "==", machineType).where("ownerHash", "==", ownerHash);
    return (await this.#database.call(() => own.count().get())).data().count;
  }

  async firstOf({ id }: Line): Promise<string | undefined> {
    const { firestore, call } = this.#database;
    const states = this.#collection(COLLECTIONS.runStates).where("line", "==", id);
    const query = states.orderBy("acceptedAt").limit(1).select();
    const [first] = (await call(() => query.get())).docs;
    if (first !== undefined) return first.id;
    const document = this.#document(COLLECTIONS.lines, id);
    return call(() =>
      firestore.runTransaction(async (transaction) => {
        const [line, { docs }] = await Promise.all([
          transaction.get(document),
          transaction.get(query),
        ]);
        if (docs[0] !== undefined) return docs[0].id;
        const { waiting, ...rest } = (line.data() ?? {}) as Line;
        if (waiting) transaction.set(document, rest);
        return undefined;
      }),
    );
  }

  placeOf(read: { record: RunRecord; now: Date }): Promise<QueuePlace | undefined> {
    return readPlace(this.#database, read, async () => this.targets());
  }

  async placeOfNext(owner: string, machineType: string): Promise<QueuePlace | undefined> {
    const now = this.#now();
    const isWaitedFor = await this.someWait(machineType);
    if (!isWaitedFor && (await this.#hasRoom(machineType, now))) return undefined;
    const lineId = lineIdOf(machineType, owner);
    const before = waitingRuns(this.#database, lineId);
    return placeAfter(this.#database, { before, lineId, machineType, now }, () => this.targets());
  }

  async #hasRoom(machineType: string, now: Date): Promise<boolean> {
    const targets = (await this.targets()).filter((target) => !isPaused(target, now));
    const isUnmade = targets.some(
      ({ slots, made }) => (slots[machineType] ?? 0) > (made[machineType] ?? 0),
    );
    return isUnmade || (await this.freeSlot(machineType, targets)) !== undefined;
  }

  waitingIn(lineId: string): number {
    return this.#waitingRuns.about(lineId);
  }

  async machineTypesWaitedFor(): Promise<string[]> {
    const targets = await this.targets();
    const known = new Set(targets.flatMap(({ slots, made }) => Object.keys({ ...slots, ...made })));
    const waited = await Promise.all(
      [...known].map(async (type) => ((await this.someWait(type)) ? [type] : [])),
    );
    return waited.flat();
  }

  async waitingRuns(): Promise<WaitingRuns> {
    const targets = await this.targets();
    const all = targets.flatMap(({ slots }) => Object.entries(slots));
    const types = new Set(all.flatMap(([type, slots]) => (slots > 0 ? [type] : [])));
    return countWaiting(this.#database, types);
  }

  #waiting(machineType: string) {
    const lines = this.#collection(COLLECTIONS.lines).where("machineType", "==", machineType);
    return lines.where("waiting", "==", true);
  }

  #collection(name: string): CollectionReference {
    return this.#database.firestore.collection(name);
  }

  #document(collection: string, id: string): DocumentReference {
    return this.#database.firestore.doc(`${collection}/${id}`);
  }
}
