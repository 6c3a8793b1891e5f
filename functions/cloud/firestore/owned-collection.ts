import type { DocumentReference, DocumentSnapshot } from "@google-cloud/firestore";
import { AppError } from "../../../shared/errors.ts";
import { sha256 } from "../../../shared/hash.ts";
import { COLLECTIONS } from "../../../shared/names.ts";
import type { Database } from "./client.ts";
import { Lines } from "./lines.ts";
import { partOf } from "./page-query.ts";

/** A document that is not there yet. */
interface New {
  reference: DocumentReference;
  owner: string;
  /** Random; a field of the document, which says whether it is the one that we wrote. */
  writer: string;
  document: object;
}

/**
 * A collection of which each owner may have so many documents. What is there is counted in the
 * transaction that creates one more, so that one that is deleted makes room and nothing can leak.
 * Each create writes `owners/{SHA-256 of the owner}.{collection}`, so that of several at once every
 * one sees those before it; nothing else does.
 */
export class OwnedCollection {
  readonly #database: Database;
  readonly #collection: "triggers" | "webhooks";
  readonly #most: number;
  readonly #lines: Lines;

  constructor(
    database: Database,
    { collection, most }: { collection: "triggers" | "webhooks"; most: number },
  ) {
    this.#database = database;
    this.#collection = collection;
    this.#most = most;
    this.#lines = new Lines(database);
  }

  /**
   * Creates a document.
   *
   * @returns what others wrote there before: then nothing is written
   * @throws {AppError} limit_reached
   */
  create({ reference, owner, writer, document }: New): Promise<DocumentSnapshot | undefined> {
    const { firestore } = this.#database;
    const guard = firestore.doc(`${COLLECTIONS.owners}/${sha256(owner)}.${this.#collection}`);
    // Of an index that the lists have.
    const owned = partOf(
      firestore.collection(this.#collection),
      { equal: { owner } },
      { limit: this.#most },
    );
    return this.#lines.transact(owner, async (transaction) => {
      const [there] = await transaction.getAll(reference, guard);
      if (there?.exists) return there.get("writer") === writer ? undefined : there;
      const { count } = (await transaction.get(owned.count())).data();
      if (count >= this.#most) throw this.#tooMany(owner);
      transaction.set(guard, { schemaVersion: 1, owner, lastWriter: writer });
      transaction.create(reference, document);
      return undefined;
    });
  }

  #tooMany(owner: string): AppError {
    const detail = `${owner} has ${this.#most} ${this.#collection}, and may have no more; delete one first`;
    return new AppError("limit_reached", { detail });
  }
}
