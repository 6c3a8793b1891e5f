import { GoogleError } from "../wire/status.ts";
import type { StoredDocument } from "./document.ts";
import { nameKey, parseDocumentName } from "./document-name.ts";
import { type Change, changesSince, overlayAt } from "./history.ts";
import { checkIndex } from "./index-requirement.ts";
import type { ListenTarget } from "./listen-stream.ts";
import {
  type Leaving,
  type ListenResponse,
  type ListenStream,
  type Messages,
  noteIn,
  noteOut,
  sendMessages,
  sendNoChange,
} from "./listen-stream.ts";
import { addListener, listenersOf, removeListener } from "./listener-registry.ts";
import type { ListenRequest, Target } from "./messages.ts";
import { matches, parseQuery, type Query } from "./query.ts";
import { concerns } from "./query-window.ts";
import { runQuery } from "./run-query.ts";
import { type FirestoreState, nextReadTime } from "./state.ts";
import { readDocument } from "./store.ts";
import { fromResumeToken, toMicros, toResumeToken, toTimestamp } from "./timestamp.ts";

/**
 * Differs: Google says about every 30 seconds that all is well, at moments of its own; the stand-in
 * does so every 30 seconds. Clients take 120 seconds of silence for a dead stream.
 */
export const HEARTBEAT_MS = 30_000;

/** Opens a stream; {@link receiveListenRequest} and {@link closeListenStream} do the rest. */
export function openListenStream(
  state: FirestoreState,
  send: (response: ListenResponse) => void,
): ListenStream {
  const stream: ListenStream = { targets: new Map(), send };
  state.listeners.streams.add(stream);
  return stream;
}

/** Takes back all of a stream's targets. */
export function closeListenStream(state: FirestoreState, stream: ListenStream): void {
  for (const target of stream.targets.values()) removeListener(state.listeners, target);
  stream.targets.clear();
  state.listeners.streams.delete(stream);
}

/**
 * Handles one message of a client. A target that cannot be listened to is removed with its cause;
 * the stream and its other targets go on.
 *
 * @throws {GoogleError} INVALID_ARGUMENT for a message that asks for nothing.
 */
export function receiveListenRequest(
  state: FirestoreState,
  stream: ListenStream,
  request: ListenRequest,
): void {
  const { addTarget } = request;
  if (request.removeTarget) {
    removeTarget(state, stream, request.removeTarget);
    return;
  }
  if (!addTarget) {
    throw new GoogleError("INVALID_ARGUMENT", "A listen request must add or remove a target.");
  }
  const id = addTarget.targetId || unusedId(stream);
  try {
    addTargetTo(state, stream, { ...addTarget, targetId: id });
  } catch (error) {
    if (!(error instanceof GoogleError)) throw error;
    const cause = { code: error.grpcCode, message: error.message };
    stream.targets.delete(id);
    stream.send({ targetChange: { targetChangeType: "REMOVE", targetIds: [id], cause } });
  }
}

function unusedId(stream: ListenStream): number {
  return Math.max(0, ...stream.targets.keys()) + 1;
}

function removeTarget(state: FirestoreState, stream: ListenStream, id: number): void {
  const target = stream.targets.get(id);
  if (target) removeListener(state.listeners, target);
  stream.targets.delete(id);
  stream.send({ targetChange: { targetChangeType: "REMOVE", targetIds: [id] } });
}

function addTargetTo(state: FirestoreState, stream: ListenStream, asked: Target): void {
  const id = asked.targetId as number;
  if (stream.targets.has(id)) {
    throw new GoogleError("INVALID_ARGUMENT", `Target ID ${id} is already in use.`);
  }
  const target = makeTarget(state, stream, asked);
  stream.send({ targetChange: { targetChangeType: "ADD", targetIds: [id] } });
  const readTime = nextReadTime(state);
  sendInitial(state, { target, asked, at: readTime });
  const resumeToken = toResumeToken(readTime);
  const now = { readTime: toTimestamp(readTime), resumeToken };
  stream.send({ targetChange: { targetChangeType: "CURRENT", targetIds: [id], ...now } });
  stream.send({ targetChange: { targetChangeType: "NO_CHANGE", ...now } });
  stream.targets.set(id, target);
  addListener(state.listeners, target);
  if (asked.once) removeTarget(state, stream, id);
}

function makeTarget(state: FirestoreState, stream: ListenStream, asked: Target): ListenTarget {
  const id = asked.targetId as number;
  if (asked.query?.structuredQuery) {
    const query = parseQuery(asked.query.parent, asked.query.structuredQuery);
    checkIndex(state.store.catalog, query);
    return { id, stream, documents: undefined, window: { query, documents: undefined } };
  }
  const names = asked.documents?.documents ?? [];
  if (names.length === 0) {
    throw new GoogleError("INVALID_ARGUMENT", `Target ${id} names neither documents nor a query.`);
  }
  const documents = new Map(names.map((name) => [nameKey(parseDocumentName(name).name), name]));
  return { id, stream, documents, window: undefined };
}

interface Initial {
  target: ListenTarget;
  asked: Target;
  at: number;
}

/** Sends what the client does not have yet: everything, or what changed since its resume token. */
function sendInitial(state: FirestoreState, { target, asked, at }: Initial): void {
  const messages: Messages = new Map();
  const current = currentDocuments(state, target);
  const since = resumedFrom(asked);
  const changes = since === undefined ? undefined : changesSince(state.history, since);
  if (since !== undefined && changes && since <= at) {
    sendSince(state, { target, messages, current, since });
  } else {
    if (since !== undefined) {
      const targetIds = [target.id];
      target.stream.send({ targetChange: { targetChangeType: "RESET", targetIds } });
    }
    for (const document of current.values()) noteIn(messages, target, document);
  }
  for (const [key, name] of target.documents ?? []) {
    if (!current.has(key))
      noteOut(messages, target, { key, name, document: undefined, isUnchanged: false });
  }
  sendMessages(target.stream, messages, at);
}

function resumedFrom(asked: Target): number | undefined {
  if (asked.readTime) return toMicros(asked.readTime);
  if (!asked.resumeToken?.length) return undefined;
  return fromResumeToken(asked.resumeToken) ?? 0;
}

interface Resumption {
  target: ListenTarget;
  messages: Messages;
  current: Map<string, StoredDocument>;
  since: number;
}

function sendSince(state: FirestoreState, resumption: Resumption): void {
  const { target, messages, current, since } = resumption;
  for (const document of current.values()) {
    if (document.updatedAt > since) noteIn(messages, target, document);
  }
  if (!target.window) return;
  const earlier = runQuery(
    state.store,
    target.window.query,
    overlayAt(state.history, since),
  ).documents;
  const had = new Set(earlier.map(({ key }) => key));
  for (const document of earlier) {
    if (!current.has(document.key)) noteOut(messages, target, leaving(state, document));
  }
  for (const document of current.values()) {
    if (!had.has(document.key)) noteIn(messages, target, document);
  }
}

/** The target's documents as they are now, by key; a cut-off query's become its window. */
function currentDocuments(
  state: FirestoreState,
  target: ListenTarget,
): Map<string, StoredDocument> {
  if (target.window) {
    const { query } = target.window;
    const { documents } = runQuery(state.store, query);
    const byKey = new Map(documents.map((document) => [document.key, document]));
    const isCutOff = query.limit !== undefined || query.offset > 0;
    target.window.documents = isCutOff ? byKey : undefined;
    return byKey;
  }
  const found = new Map<string, StoredDocument>();
  for (const key of target.documents?.keys() ?? []) {
    const document = readDocument(state.store, key);
    if (document) found.set(key, document);
  }
  return found;
}

/** What is to be said of a document that left a query: as it is now. */
function leaving(state: FirestoreState, left: StoredDocument): Leaving {
  const document = readDocument(state.store, left.key);
  const isUnchanged = document?.updatedAt === left.updatedAt;
  return { key: left.key, name: left.name.name, document, isUnchanged };
}

/** Tells the listeners of one commit: to each stream its changes, then that they are all. */
export function publishChanges(state: FirestoreState, changes: readonly Change[]): void {
  if (state.listeners.streams.size === 0) return;
  const streams = new Map<ListenStream, Messages>();
  const recomputed = new Set<ListenTarget>();
  for (const change of changes) {
    for (const target of listenersOf(state.listeners, changedDocument(change))) {
      if (!isConcerned(target, change)) continue;
      if (target.window?.documents) recomputed.add(target);
      else noteChange(messagesOf(streams, target), target, change);
    }
  }
  for (const target of recomputed) recompute(state, messagesOf(streams, target), target);
  const at = nextReadTime(state);
  for (const [stream, messages] of streams) {
    sendMessages(stream, messages, at);
    sendNoChange(stream, at);
  }
}

function changedDocument({ before, after }: Change): StoredDocument {
  return (after ?? before) as StoredDocument;
}

function isConcerned(target: ListenTarget, change: Change): boolean {
  return target.window ? concerns(target.window, change) : true;
}

function messagesOf(streams: Map<ListenStream, Messages>, { stream }: ListenTarget): Messages {
  const messages = streams.get(stream) ?? new Map();
  streams.set(stream, messages);
  return messages;
}

function noteChange(messages: Messages, target: ListenTarget, change: Change): void {
  const document = change.after;
  const { key, name } = changedDocument(change);
  const isIn = document && (!target.window || matches(target.window.query, document));
  if (isIn) noteIn(messages, target, document);
  else noteOut(messages, target, { key, name: name.name, document, isUnchanged: false });
}

/** Runs a cut-off query again and tells what came in, went out, or changed. */
function recompute(state: FirestoreState, messages: Messages, target: ListenTarget): void {
  const window = target.window as { query: Query; documents: Map<string, StoredDocument> };
  const had = window.documents;
  const { documents } = runQuery(state.store, window.query);
  const now = new Map(documents.map((document) => [document.key, document]));
  for (const [key, document] of had) {
    if (!now.has(key)) noteOut(messages, target, leaving(state, document));
  }
  for (const [key, document] of now) {
    if (had.get(key)?.updatedAt !== document.updatedAt) noteIn(messages, target, document);
  }
  window.documents = now;
}

/** Tells every stream that it has seen everything; to be called every {@link HEARTBEAT_MS}. */
export function sendHeartbeats(state: FirestoreState): void {
  const at = nextReadTime(state);
  for (const stream of state.listeners.streams) {
    if (stream.targets.size > 0) sendNoChange(stream, at);
  }
}
