import { type KeyRecord, keyRecordOf } from "../../../shared/documents/key.ts";
import { COLLECTIONS } from "../../../shared/names.ts";
import type { KeyStore } from "../../services/callers.ts";
import { type Database, fromDocument } from "./client.ts";

/** API keys in Firestore: `keys`, named by the SHA-256 of the key in hex. */
export class FirestoreKeyStore implements KeyStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async get(hash: string): Promise<KeyRecord | undefined> {
    const snapshot = await this.#database.call(() => this.#key(hash).get());
    return keyRecordOf(hash, fromDocument(snapshot.data()));
  }

  async create(hash: string, record: KeyRecord): Promise<void> {
    await this.#database.call(() => this.#key(hash).create(record));
  }

  async list(): Promise<{ hash: string; record: KeyRecord }[]> {
    const keys = this.#database.firestore.collection(COLLECTIONS.keys);
    const snapshot = await this.#database.call(() => keys.get());
    return snapshot.docs
      .flatMap((document) => {
        const record = keyRecordOf(document.id, fromDocument(document.data()));
        return record === undefined ? [] : [{ hash: document.id, record }];
      })
      .sort((left, right) => createdMs(left.record) - createdMs(right.record));
  }

  async revoke(hash: string, now: Date): Promise<void> {
    await this.#database.call(() => this.#key(hash).update({ revokedAt: now }));
  }

  #key = (hash: string) => this.#database.firestore.doc(`${COLLECTIONS.keys}/${hash}`);
}

function createdMs({ createdAt }: KeyRecord): number {
  return createdAt?.getTime() ?? 0;
}
