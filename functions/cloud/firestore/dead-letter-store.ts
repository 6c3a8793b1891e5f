import { after } from "../../../shared/clock.ts";
import { sha256 } from "../../../shared/hash.ts";
import { RUN_LIMITS } from "../../../shared/limits.ts";
import { COLLECTIONS } from "../../../shared/names.ts";
import type { DeadLetter, DeadLetters } from "../../services/dead-letters.ts";
import type { Database } from "./client.ts";

/** `deadLetters/{SHA-256 of the message's id, hex}` in Firestore. */
export class FirestoreDeadLetters implements DeadLetters {
  readonly #database: Database;
  readonly #now: () => Date;

  constructor(database: Database, now: () => Date) {
    this.#database = database;
    this.#now = now;
  }

  async keep(letter: DeadLetter): Promise<void> {
    const { firestore, call } = this.#database;
    const document = firestore.doc(`${COLLECTIONS.deadLetters}/${sha256(letter.messageId)}`);
    const at = this.#now();
    const expireAt = after(at, RUN_LIMITS.eventDays * 24 * 3600);
    await call(() => document.set({ schemaVersion: 1, ...letter, at, expireAt }));
  }
}
