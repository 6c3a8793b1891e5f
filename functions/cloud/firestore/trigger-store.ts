import type { DocumentReference, DocumentSnapshot } from "@google-cloud/firestore";
import { base62, type RandomBytes } from "../../../shared/ids.ts";
import { TRIGGER_LIMITS } from "../../../shared/limits.ts";
import { COLLECTIONS } from "../../../shared/names.ts";
import type { Firing, FiringOutcome, Trigger } from "../../../shared/triggers/trigger.ts";
import type { Part } from "../../services/page.ts";
import type { TriggerRecord, TriggerStore } from "../../services/triggers.ts";
import { type Database, fromDocument } from "./client.ts";
import { OwnedCollection } from "./owned-collection.ts";
import { partOf } from "./page-query.ts";

/**
 * Triggers in Firestore. The agent is JSON text there: settings are as deep as callers like, and a
 * document is not.
 */
export class FirestoreTriggerStore implements TriggerStore {
  readonly #database: Database;
  readonly #random: RandomBytes;
  readonly #owned: OwnedCollection;

  constructor(database: Database, random: RandomBytes) {
    this.#database = database;
    this.#random = random;
    const most = TRIGGER_LIMITS.ofOwner;
    this.#owned = new OwnedCollection(database, { collection: "triggers", most });
  }

  async create(record: TriggerRecord): Promise<TriggerRecord | undefined> {
    const { id, owner } = record.trigger;
    const reference = this.#trigger(id);
    const document = triggerDocument(record);
    const there = await this.#owned.create({ reference, owner, writer: record.writer, document });
    return there && readTrigger(there);
  }

  async get(id: string): Promise<Trigger | undefined> {
    return (await this.getRecord(id))?.trigger;
  }

  async getRecord(id: string): Promise<TriggerRecord | undefined> {
    return readTrigger(await this.#database.call(() => this.#trigger(id).get()));
  }

  async getAll(ids: readonly string[]): Promise<Trigger[]> {
    if (ids.length === 0) return [];
    const documents = ids.map((id) => this.#trigger(id));
    const { firestore, call } = this.#database;
    const snapshots = await call(() => firestore.getAll(...documents));
    return snapshots.flatMap((snapshot) => readTrigger(snapshot)?.trigger ?? []);
  }

  async list(owner: string, part: Part): Promise<Trigger[]> {
    const query = partOf(this.#triggers(), { equal: { owner } }, part);
    const snapshot = await this.#database.call(() => query.get());
    return snapshot.docs.flatMap((document) => readTrigger(document)?.trigger ?? []);
  }

  async byRoute(routes: readonly string[]): Promise<string[]> {
    if (routes.length === 0) return [];
    const query = this.#triggers().where("route", "in", routes).select();
    const { docs } = await this.#database.call(() => query.get());
    return docs.map(({ id }) => id).sort();
  }

  async countOfRoute(route: string, limit: number): Promise<number> {
    const query = this.#triggers().where("route", "==", route).limit(limit);
    return (await this.#database.call(() => query.count().get())).data().count;
  }

  async dueBefore(now: Date, limit: number): Promise<Trigger[]> {
    const query = this.#triggers().where("dueAt", "<=", now).orderBy("dueAt").limit(limit);
    const { docs } = await this.#database.call(() => query.get());
    return docs.flatMap((document) => readTrigger(document)?.trigger ?? []);
  }

  async transact(
    id: string,
    change: (trigger: Trigger, now: Date) => Trigger | null,
  ): Promise<Trigger | undefined> {
    const token = base62(this.#random(16));
    return this.#database.call(() =>
      this.#database.firestore.runTransaction(async (transaction) => {
        const snapshot = await transaction.get(this.#trigger(id));
        const record = readTrigger(snapshot);
        if (record === undefined) return undefined;
        // The commit of before is there; only its acknowledgement was lost.
        if (record.lastWriter === token) return record.trigger;
        const trigger = change(record.trigger, snapshot.readTime.toDate());
        if (trigger === null) {
          transaction.delete(snapshot.ref);
          return undefined;
        }
        if (trigger === record.trigger) return trigger;
        const written = triggerDocument({ ...record, trigger, lastWriter: token });
        transaction.set(snapshot.ref, written);
        return trigger;
      }),
    );
  }

  async getFiring(id: string): Promise<Firing | undefined> {
    const document = this.#database.firestore.doc(`${COLLECTIONS.firings}/${id}`);
    return readFiring(await this.#database.call(() => document.get()));
  }

  async listFirings(
    { triggerId, outcome }: { triggerId: string; outcome?: FiringOutcome | undefined },
    part: Part,
  ): Promise<Firing[]> {
    const firings = this.#database.firestore.collection(COLLECTIONS.firings);
    const equal = { triggerId, ...(outcome !== undefined && { outcome }) };
    const query = partOf(firings, { equal }, part);
    const { docs } = await this.#database.call(() => query.get());
    return docs.flatMap((document) => readFiring(document) ?? []);
  }

  #triggers = () => this.#database.firestore.collection(COLLECTIONS.triggers);
  #trigger = (id: string): DocumentReference =>
    this.#database.firestore.doc(`${COLLECTIONS.triggers}/${id}`);
}

/** What stands in the document `triggers/{id}`. */
function triggerDocument({ trigger: { agent, ...trigger }, ...rest }: TriggerRecord) {
  return { ...trigger, agentJson: JSON.stringify(agent), ...rest };
}

/** What a read of the document `triggers/{id}` says; undefined: there is none. */
export function readTrigger(snapshot: DocumentSnapshot): TriggerRecord | undefined {
  if (!snapshot.exists) return undefined;
  const document = fromDocument(snapshot.data()) as TriggerDocument;
  const { requestHash, writer, lastWriter, agentJson, ...trigger } = document;
  const agent = JSON.parse(agentJson);
  return {
    trigger: { ...trigger, agent },
    requestHash,
    writer,
    ...(lastWriter !== undefined && { lastWriter }),
  };
}

type TriggerDocument = Omit<Trigger, "agent"> &
  Omit<TriggerRecord, "trigger"> & { agentJson: string };

/** What a read of the document `firings/{id}` says; undefined: there is none. */
export function readFiring(snapshot: DocumentSnapshot): Firing | undefined {
  return snapshot.exists ? (fromDocument(snapshot.data()) as Firing) : undefined;
}
