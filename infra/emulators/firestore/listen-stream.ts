import { type StoredDocument, toMessage } from "./document.ts";
import type { DocumentMessage, Timestamp } from "./messages.ts";
import type { QueryWindow } from "./query-window.ts";
import { toResumeToken, toTimestamp } from "./timestamp.ts";

/** What goes to the client. */
export interface ListenResponse {
  targetChange?: {
    targetChangeType?: "NO_CHANGE" | "ADD" | "REMOVE" | "CURRENT" | "RESET";
    targetIds?: number[];
    cause?: { code: number; message: string };
    resumeToken?: Uint8Array;
    readTime?: Timestamp;
  };
  documentChange?: {
    document: DocumentMessage;
    targetIds?: number[];
    removedTargetIds?: number[];
  };
  documentDelete?: { document: string; removedTargetIds: number[]; readTime: Timestamp };
  documentRemove?: { document: string; removedTargetIds: number[]; readTime: Timestamp };
}

/** One target of a stream: the documents with these keys, or a query. */
export interface ListenTarget {
  id: number;
  stream: ListenStream;
  /** Names by key, for a target of documents. */
  documents: Map<string, string> | undefined;
  /** For a target of a query. */
  window: QueryWindow | undefined;
}

/** One client's stream of targets. Its targets change together, one commit after the other. */
export interface ListenStream {
  targets: Map<number, ListenTarget>;
  send(response: ListenResponse): void;
}

/** What a stream is told of one document. */
interface DocumentNews {
  name: string;
  /** Undefined: it does not exist (any more). */
  document: StoredDocument | undefined;
  isUnchanged: boolean;
  targets: Set<ListenTarget>;
  removedTargetIds: number[];
}

/** What is to be said to a stream, by document key. */
export type Messages = Map<string, DocumentNews>;

function newsOf(messages: Messages, key: string, name: string): DocumentNews {
  let news = messages.get(key);
  if (!news) {
    const targets = new Set<ListenTarget>();
    news = { name, document: undefined, isUnchanged: false, targets, removedTargetIds: [] };
    messages.set(key, news);
  }
  return news;
}

/** Notes that a document is among the target's, as given. */
export function noteIn(messages: Messages, target: ListenTarget, document: StoredDocument): void {
  const news = newsOf(messages, document.key, document.name.name);
  news.document = document;
  news.targets.add(target);
}

/** A document that is not, or no longer, among a target's. */
export interface Leaving {
  key: string;
  name: string;
  /** As it is now; undefined if it does not exist. */
  document: StoredDocument | undefined;
  /** Whether the client knows it as it is. */
  isUnchanged: boolean;
}

/** Notes that a document is not among the target's. */
export function noteOut(messages: Messages, target: { id: number }, leaving: Leaving): void {
  const news = newsOf(messages, leaving.key, leaving.name);
  news.document = leaving.document;
  news.isUnchanged = leaving.isUnchanged;
  news.removedTargetIds.push(target.id);
}

/** Sends what was noted: one message a document, or one for each selection of its fields. */
export function sendMessages(stream: ListenStream, messages: Messages, at: number): void {
  const readTime = toTimestamp(at);
  for (const { name, document, isUnchanged, targets, removedTargetIds } of messages.values()) {
    if (!document) {
      stream.send({ documentDelete: { document: name, removedTargetIds, readTime } });
    } else if (isUnchanged && targets.size === 0) {
      stream.send({ documentRemove: { document: name, removedTargetIds, readTime } });
    } else {
      let leaving = removedTargetIds;
      for (const alike of bySelection([...targets])) {
        const message = toMessage(document, alike[0]?.window?.query.select);
        const targetIds = alike.map(({ id }) => id);
        stream.send({
          documentChange: { document: message, targetIds, removedTargetIds: leaving },
        });
        leaving = [];
      }
    }
  }
}

/** The targets by the fields that they select; nearly always they are one group, of all fields. */
function bySelection(targets: ListenTarget[]): Iterable<ListenTarget[]> {
  if (!targets.some(({ window }) => window?.query.select)) return [targets];
  return Map.groupBy(targets, ({ window }) => JSON.stringify(window?.query.select)).values();
}

/** Says that the stream has seen everything up to an instant. */
export function sendNoChange(stream: ListenStream, at: number): void {
  const change = { readTime: toTimestamp(at), resumeToken: toResumeToken(at) };
  stream.send({ targetChange: { targetChangeType: "NO_CHANGE", ...change } });
}
