import { FieldPath, type Firestore, type Query } from "@google-cloud/firestore";
import type { Event } from "../../../shared/documents/event.ts";
import type { Run } from "../../../shared/documents/run.ts";
import { asRefusal } from "../google-error.ts";
import { fromDocument } from "./client.ts";

/** Receives what a listener sees. After `failed` nothing follows. */
export interface Observer<T> {
  next(value: T): void;
  failed(error: unknown): void;
}

/** Ends a listener; it calls nobody after that. */
export type StopListening = () => void;

/** Listeners on runs in Firestore. Whoever opens one ends it. */
export class RunWatch {
  readonly #firestore: Firestore;

  constructor(firestore: Firestore) {
    this.#firestore = firestore;
  }

  /** Sees the run as it is and then each change of it; undefined: there is no such run. */
  watchRun(id: string, observer: Observer<Run | undefined>): StopListening {
    return this.#firestore.doc(`runs/${id}`).onSnapshot(
      (snapshot) =>
        observer.next(snapshot.exists ? (fromDocument(snapshot.data()) as Run) : undefined),
      (error) => observer.failed(asRefusal("Firestore", error)),
    );
  }

  /**
   * Sees at most `limit` events of a run, those that follow the id `after`, in their order: at each call
   * the ones that are new. The first call says what is there already, which may be nothing; another one
   * without events says that some were deleted.
   */
  watchEvents(
    { runId, after, limit }: { runId: string; after: string | undefined; limit: number },
    observer: Observer<Event[]>,
  ): StopListening {
    const events = this.#firestore.collection(`runs/${runId}/events`);
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
