import type { DocumentReference, DocumentSnapshot } from "@google-cloud/firestore";
import type { WebhookRecord } from "../../../shared/documents/webhook.ts";
import { WEBHOOK_LIMITS } from "../../../shared/events/webhook-limits.ts";
import { newNonce, type RandomBytes } from "../../../shared/ids.ts";
import { COLLECTIONS } from "../../../shared/names.ts";
import type { Part } from "../../services/page.ts";
import type { WebhookStore } from "../../services/webhooks.ts";
import { type Database, fromDocument } from "./client.ts";
import { OwnedCollection } from "./owned-collection.ts";
import { partOf } from "./page-query.ts";

/** Webhooks in Firestore. */
export class FirestoreWebhookStore implements WebhookStore {
  readonly #database: Database;

  readonly #random: RandomBytes;

  readonly #owned: OwnedCollection;

  constructor(database: Database, random: RandomBytes) {
    this.#database = database;
    this.#random = random;
    const most = WEBHOOK_LIMITS.webhooks;
    this.#owned = new OwnedCollection(database, { collection: "webhooks", most });
  }

  async create(record: WebhookRecord): Promise<WebhookRecord | undefined> {
    const { id, owner, writer } = record;
    const reference = this.#webhook(id);
    const there = await this.#owned.create({ reference, owner, writer, document: record });
    return there && readWebhook(there);
  }

  async get(id: string): Promise<WebhookRecord | undefined> {
    return readWebhook(await this.#database.call(() => this.#webhook(id).get()));
  }

  async list(owner: string, part: Part): Promise<WebhookRecord[]> {
    const webhooks = this.#database.firestore.collection(COLLECTIONS.webhooks);
    const { docs } = await this.#database.call(() =>
      partOf(webhooks, { equal: { owner } }, part).get(),
    );
    return docs.flatMap((document) => readWebhook(document) ?? []);
  }

  transact(
    id: string,
    change: (webhook: WebhookRecord, now: Date) => WebhookRecord | undefined,
  ): Promise<WebhookRecord | undefined> {
    const reference = this.#webhook(id);
    const lastWriter = newNonce(this.#random);
    return this.#database.call(() =>
      this.#database.firestore.runTransaction(async (transaction) => {
        const snapshot = await transaction.get(reference);
        const before = readWebhook(snapshot);
        if (before === undefined) return undefined;
        // The commit of before is there; only its acknowledgement was lost.
        if (snapshot.get("lastWriter") === lastWriter) return before;
        const webhook = change(before, snapshot.readTime.toDate());
        if (webhook === undefined) transaction.delete(reference);
        else if (webhook !== before) transaction.set(reference, { ...webhook, lastWriter });
        return webhook ?? before;
      }),
    );
  }

  #webhook = (id: string): DocumentReference =>
    this.#database.firestore.doc(`${COLLECTIONS.webhooks}/${id}`);
}

export function readWebhook(snapshot: DocumentSnapshot): WebhookRecord | undefined {
  if (!snapshot.exists) return undefined;
  const { lastWriter: _, ...webhook } = fromDocument(snapshot.data()) as WebhookRecord & {
    /** Random; says whose change was the last. */
    lastWriter?: string;
  };
  return webhook;
}
