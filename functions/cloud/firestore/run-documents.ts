import {
  type DocumentReference,
  type DocumentSnapshot,
  FieldValue,
  type Firestore,
  type Query,
  type Transaction,
} from "@google-cloud/firestore";
import type { Conversation } from "../../../shared/documents/conversation.ts";
import { type Event, eventDocuments } from "../../../shared/documents/event.ts";
import type { Run } from "../../../shared/documents/run.ts";
import { COLLECTIONS } from "../../../shared/names.ts";
import type { Accepted, ResolvedRequest } from "../../../shared/run/accept.ts";
import type { Changed, RunRecord } from "../../../shared/run/record.ts";
import { keptUntil } from "../../../shared/run/retention.ts";
import { recordOf, stateDocument } from "../../../shared/run/stored.ts";
import { fromDocument } from "./client.ts";

/**
 * The documents of runs and conversations, read and written within the transactions of their
 * stores.
 */
export interface RunDocuments {
  run(id: string): DocumentReference;
  state(id: string): DocumentReference;
  request(id: string): DocumentReference;
  event(event: Pick<Event, "runId" | "id">): DocumentReference;
  conversation(id: string): DocumentReference;
}

export function runDocuments(firestore: Firestore): RunDocuments {
  const { runs, runStates, runRequests, events, conversations } = COLLECTIONS;
  return {
    run: (id) => firestore.doc(`${runs}/${id}`),
    state: (id) => firestore.doc(`${runStates}/${id}`),
    request: (id) => firestore.doc(`${runRequests}/${id}`),
    event: ({ runId, id }) => firestore.doc(`${runs}/${runId}/${events}/${id}`),
    conversation: (id) => firestore.doc(`${conversations}/${id}`),
  };
}

/** A run as a transaction reads it, and the time of that; undefined: there is none. */
export async function readRun(
  transaction: Transaction,
  documents: RunDocuments,
  id: string,
): Promise<{ record: RunRecord; now: Date } | undefined> {
  return runOf(await transaction.getAll(documents.run(id), documents.state(id)));
}

/**
 * A run of its two documents that were read by one request. The service says of each when it was
 * read, and that those before had not changed by then: so both were so at the later instant.
 *
 * @see google/firestore/v1/firestore.proto, `BatchGetDocumentsResponse.read_time`
 */
export function runOf([run, state]: readonly DocumentSnapshot[]):
  | { record: RunRecord; now: Date }
  | undefined {
  if (!run?.exists || !state?.exists) return undefined;
  const now = new Date(Math.max(run.readTime.toMillis(), state.readTime.toMillis()));
  return { record: recordIn(fromDocument(run.data()) as object, state), now };
}

/** A run of its own document, as it was read, and its state's. */
export const recordIn = (run: object, state: DocumentSnapshot): RunRecord =>
  recordOf({ run, state: fromDocument(state.data()) as object });

/** A conversation as a transaction reads it. */
export async function readConversation(
  transaction: Transaction,
  documents: RunDocuments,
  id: string,
): Promise<Conversation | undefined> {
  const snapshot = await transaction.get(documents.conversation(id));
  return conversationIn(snapshot);
}

/** A conversation without the time at which it expires: that changes with each turn. */
export function conversationIn(snapshot: DocumentSnapshot): Conversation | undefined {
  if (!snapshot.exists) return undefined;
  const { expireAt: _, ...conversation } = fromDocument(snapshot.data()) as Kept<Conversation>;
  return conversation;
}

/**
 * Writes a conversation after the end of one of its turns, with which it expires if it was the
 * last.
 */
export function writeConversation(
  transaction: Transaction,
  documents: RunDocuments,
  { conversation, ended }: { conversation: Conversation; ended: RunRecord },
): void {
  const isOver = conversation.activeRun === null && conversation.queue.length === 0;
  const kept = isOver ? expiryOf(ended) : {};
  transaction.set(documents.conversation(conversation.id), { ...conversation, ...kept });
}

/** Has the request of a run that has ended expire, if it shall. */
export function expireRequest(
  transaction: Transaction,
  documents: RunDocuments,
  { run, state }: RunRecord,
): void {
  const expireAt = run.finishedAt && keptUntil(run.finishedAt, state.retention?.promptDays);
  if (expireAt) transaction.set(documents.request(run.id), { expireAt }, { merge: true });
}

/** What Firestore deletes by itself has this field. */
type Kept<T> = T & { expireAt?: Date };

/** What a run's own documents have of it. */
function expiryOf({ run, state }: RunRecord): { expireAt?: Date } {
  const expireAt = run.finishedAt && keptUntil(run.finishedAt, state.retention?.runDays);
  return expireAt ? { expireAt } : {};
}

/** The runs of a conversation, latest first. */
export function turnsOf(
  firestore: Firestore,
  { id, owner }: Pick<Conversation, "id" | "owner">,
): Query {
  const runs = firestore.collection(COLLECTIONS.runs);
  const turns = runs.where("owner", "==", owner).where("conversation.id", "==", id);
  return turns.orderBy("createdAt", "desc");
}

/**
 * Writes a changed run with the events that it adds.
 *
 * @param before the run before it: if only the server's state is another, the run's own document
 * stays as it is, and who listens to it hears nothing
 */
export function writeTransition(
  transaction: Transaction,
  documents: RunDocuments,
  { before, transition: { record, events } }: { before?: Run; transition: Changed },
): void {
  const { run } = record;
  const kept = expiryOf(record);
  if (run !== before) transaction.set(documents.run(run.id), { ...run, ...kept });
  transaction.set(documents.state(run.id), { ...stateDocument(record), ...kept });
  for (const event of eventDocuments(events)) transaction.set(documents.event(event), event);
}

/** Creates every document of a new run but its conversation's. */
export function createRunDocuments(
  documents: RunDocuments,
  { run, state, request, events }: Accepted,
  create: (document: DocumentReference, data: object) => unknown,
): void {
  create(documents.run(run.id), run);
  // An instance's clock does not decide who has waited longer.
  const acceptedAt = FieldValue.serverTimestamp();
  create(documents.state(run.id), { ...stateDocument({ run, state }), acceptedAt });
  create(documents.request(run.id), requestDocument(run.owner, request));
  for (const event of eventDocuments(events)) create(documents.event(event), event);
}

/**
 * The prompt stands by itself: each of its characters could be six in JSON, which would be too
 * long.
 */
function requestDocument(owner: string, { prompt, ...rest }: ResolvedRequest): object {
  return { owner, prompt, json: JSON.stringify(rest) };
}
