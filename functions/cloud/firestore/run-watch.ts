import { FieldPath, type Firestore, type Query } from "@google-cloud/firestore";
import { type Event, type EventDocument, eventsIn } from "../../../shared/documents/event.ts";
import type { Run } from "../../../shared/documents/run.ts";
import { COLLECTIONS } from "../../../shared/names.ts";
import type {
  ListChange,
  Observer,
  RunFilter,
  RunWatch,
  StopListening,
} from "../../services/runs.ts";
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

  watchList(
    { filter, since }: { filter: RunFilter; since: Date },
    observer: Observer<ListChange[]>,
  ): StopListening {
    let hasFailed = false;
    const failed = (error: Error) => {
      if (!hasFailed) observer.failed(asRefusal("Firestore", error));
      hasFailed = true;
    };
    const erased = this.#firestore
      .collection(COLLECTIONS.erasedRuns)
      .where("owner", "==", filter.owner)
      .where("at", ">=", since)
      .orderBy("at");
    const stops = [
      changedRuns(this.#firestore, { filter, since }).onSnapshot((snapshot) => {
        const changes = snapshot.docChanges().filter(({ type }) => type !== "removed");
        const runs = changes.map(({ doc }) => fromDocument(doc.data()) as Run);
        runs.sort((a, b) => a.updatedAt.getTime() - b.updatedAt.getTime());
        if (runs.length > 0) observer.next(runs.map((run) => ({ run, at: run.updatedAt })));
      }, failed),
      erased.onSnapshot((snapshot) => {
        const added = snapshot.docChanges().filter(({ type }) => type === "added");
        if (added.length === 0) return;
        observer.next(added.map(({ doc }) => ({ gone: doc.id, at: doc.get("at").toDate() })));
      }, failed),
    ];
    return () => {
      for (const stop of stops) stop();
    };
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
        const added = docs
          .filter(({ id }) => id > last)
          .flatMap((document) => eventsIn(fromDocument(document.data()) as EventDocument))
          // Who goes on after an event may have seen some of a document.
          .filter(({ id }) => id > last);
        last = added.at(-1)?.id ?? last;
        observer.next(added);
      },
      (error) => observer.failed(asRefusal("Firestore", error)),
    );
  }
}

/** By what never changes of a run: one that leaves a filter has to be seen once more. */
function changedRuns(
  firestore: Firestore,
  { filter, since }: { filter: RunFilter; since: Date },
): Query {
  const { owner, agent, conversation, label } = filter;
  let query = firestore.collection(COLLECTIONS.runs).where("owner", "==", owner);
  if (agent !== undefined) query = query.where("agent.id", "==", agent);
  if (conversation !== undefined) query = query.where("conversation.id", "==", conversation);
  if (label !== undefined) query = query.where("labelPairs", "array-contains", label);
  return query.where("updatedAt", ">=", since).orderBy("updatedAt");
}
