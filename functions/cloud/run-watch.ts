import type { Firestore } from "@google-cloud/firestore";
import type { Run } from "../../shared/run-schema.ts";
import { fromDocument } from "./firestore.ts";
import { asRefusal } from "./google-error.ts";

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
}
