import type { Transaction } from "@google-cloud/firestore";
import type { Database } from "./client.ts";

/** Runs transactions of one key one after the other: they would only get in each other's way. */
export class Lines {
  readonly #database: Database;
  readonly #last = new Map<string, Promise<unknown>>();

  constructor(database: Database) {
    this.#database = database;
  }

  async transact<T>(key: string, decide: (transaction: Transaction) => Promise<T>): Promise<T> {
    const { firestore, call } = this.#database;
    const work = () => call(() => firestore.runTransaction(decide));
    const own = (this.#last.get(key) ?? Promise.resolve()).then(work, work);
    this.#last.set(key, own);
    try {
      return await own;
    } finally {
      if (this.#last.get(key) === own) this.#last.delete(key);
    }
  }
}
