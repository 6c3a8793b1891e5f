import { FieldPath, type Firestore, type Query } from "@google-cloud/firestore";
import type { Event } from "../../../shared/documents/event.ts";
import type { Run } from "../../../shared/documents/run.ts";
import { COLLECTIONS } from "../../../shared/names.ts";
import type { Observer, RunWatch, StopListening } from "../../services/runs.ts";
import { asRefusal } from "../google-error.ts";
import { type Database, fromDocument } from "./client.ts";

/** Listeners of Firestore. */
export class FirestoreRunWatch implements RunWatch {
  readonly #firestore: Firestore;

  constructor({ firestore }: Pick<Database, "firestore">) {
    this.#firestore = firestore;
  }

  watchRun(id: string, observer: Observer<Run | undefined>): StopListening {
    return this.#firestore.doc(`${COLLECTIONS.runs}/${id}`).onSnapshot(
      (snapshot) =>
        observer.next(snapshot.exists ? (fromDocument(snapshot.data()) as Run) : undefined),
      (error) => observer.failed(asRefusal("Firestore", error)),
    );
  }

  watchEvents(
    { runId, after, limit }: { runId: string; after: string | undefined; limit: number },
    observer: Observer<Event[]>,
  ): StopListening {
    const events = this.#firestore.collection(`${COLLECTIONS.runs}/${runId}/${COLLECTIONS.events}`);
    const ordered: Query = events.orderBy(FieldPath.documentId()).limit(limit);
    const page = after === undefined ? ordered : ordered.startAfter(after);
    let last = after ?? "";
    return page.onSnapshot(
      ({ docs }) => {
        const added = docs.filter(({ id }) => id > last);
        last = added.at(-1)?.id ?? last;
        observer.next(added.map((document) => fromDocument(document.data()) as Event));
      },
      (error) => observer.failed(asRefusal("Firestore", error)),
    );
  }
}
