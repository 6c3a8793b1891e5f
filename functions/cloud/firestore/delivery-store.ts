import type { DocumentReference, DocumentSnapshot } from "@google-cloud/firestore";
import type { DeliveryRecord } from "../../../shared/documents/delivery.ts";
import { COLLECTIONS } from "../../../shared/names.ts";
import { shardOf } from "../../../shared/shard.ts";
import type { Part } from "../../services/page.ts";
import type {
  DeliveryRead,
  DeliveryStore,
  DeliveryWrites,
  DueDelivery,
} from "../../services/webhooks.ts";
import { codeOf, GRPC } from "../google-error.ts";
import { type Database, fromDocument } from "./client.ts";
import { dueInShards } from "./due.ts";
import { partOf } from "./page-query.ts";
import { readWebhook } from "./webhook-store.ts";

/** Deliveries that the sweep reads at a time. */
const PAGE = 1000;

/** Deliveries in Firestore; each has a `shard`, as the states of runs have. */
export class FirestoreDeliveryStore implements DeliveryStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async create(delivery: DeliveryRecord): Promise<boolean> {
    try {
      await this.#database.call(() => this.#delivery(delivery.id).create(toDocument(delivery)));
      return true;
    } catch (error) {
      if (codeOf(error) !== GRPC.ALREADY_EXISTS) throw error;
      return false;
    }
  }

  async get(id: string): Promise<DeliveryRecord | undefined> {
    return readDelivery(await this.#database.call(() => this.#delivery(id).get()));
  }

  async list(
    equal: { webhookId: string } | { runId: string },
    part: Part,
  ): Promise<DeliveryRecord[]> {
    const query = partOf(this.#deliveries, { equal }, part);
    const { docs } = await this.#database.call(() => query.get());
    return docs.flatMap((document) => readDelivery(document) ?? []);
  }

  async *due(now: Date): AsyncGenerator<DueDelivery[]> {
    const part = { now, limit: PAGE, fields: ["webhookId", "attempts"] };
    for await (const page of dueInShards(this.#database, this.#deliveries, part)) {
      yield page.map((document) => ({
        id: document.id,
        webhookId: document.get("webhookId"),
        attempts: document.get("attempts"),
      }));
    }
  }

  transact<T extends DeliveryWrites>(
    id: string,
    decide: (read: DeliveryRead, now: Date) => T,
  ): Promise<T | undefined> {
    const { firestore } = this.#database;
    return this.#database.call(() =>
      firestore.runTransaction(async (transaction) => {
        const snapshot = await transaction.get(this.#delivery(id));
        const delivery = readDelivery(snapshot);
        if (delivery === undefined) return undefined;
        const owning = firestore.doc(`${COLLECTIONS.webhooks}/${delivery.webhookId}`);
        const webhook = readWebhook(await transaction.get(owning));
        const writes = decide({ delivery, webhook }, snapshot.readTime.toDate());
        if (writes.delivery) transaction.set(snapshot.ref, toDocument(writes.delivery));
        if (writes.webhook) transaction.set(owning, writes.webhook);
        return writes;
      }),
    );
  }

  get #deliveries() {
    return this.#database.firestore.collection(COLLECTIONS.deliveries);
  }

  #delivery = (id: string): DocumentReference => this.#deliveries.doc(id);
}

const toDocument = (delivery: DeliveryRecord): object => ({
  ...delivery,
  shard: shardOf(delivery.id),
});

function readDelivery(snapshot: DocumentSnapshot): DeliveryRecord | undefined {
  if (!snapshot.exists) return undefined;
  const { shard: _, ...delivery } = fromDocument(snapshot.data()) as DeliveryRecord & {
    shard: number;
  };
  return delivery;
}
