import type { Firestore } from "@google-cloud/firestore";
import { type KeyRecord, keyRecordOf } from "../../../shared/documents/key.ts";
import { refusing } from "../google-error.ts";
import { fromDocument } from "./client.ts";

/** API keys in Firestore: `keys`, named by the SHA-256 of the key in hex. */
export class KeyStore {
  readonly #firestore: Firestore;

  constructor(firestore: Firestore) {
    this.#firestore = firestore;
  }

  /** What a key is for, revoked or not. Undefined: there is none of that hash. */
  async get(hash: string): Promise<KeyRecord | undefined> {
    const snapshot = await refusing("Firestore", () => this.#key(hash).get());
    return keyRecordOf(hash, fromDocument(snapshot.data()));
  }

  async create(hash: string, record: KeyRecord): Promise<void> {
    await refusing("Firestore", () => this.#key(hash).create(record));
  }

  /** Every key, oldest first. */
  async list(): Promise<{ hash: string; record: KeyRecord }[]> {
    const keys = this.#firestore.collection("keys");
    const snapshot = await refusing("Firestore", () => keys.get());
    return snapshot.docs
      .flatMap((document) => {
        const record = keyRecordOf(document.id, fromDocument(document.data()));
        return record === undefined ? [] : [{ hash: document.id, record }];
      })
      .sort((left, right) => createdMs(left.record) - createdMs(right.record));
  }

  /** Call only for a key that is there. */
  async revoke(hash: string, now: Date): Promise<void> {
    await refusing("Firestore", () => this.#key(hash).update({ revokedAt: now }));
  }

  #key = (hash: string) => this.#firestore.doc(`keys/${hash}`);
}

function createdMs({ createdAt }: KeyRecord): number {
  return createdAt?.getTime() ?? 0;
}
