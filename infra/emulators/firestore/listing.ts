import { GoogleError } from "../wire/status.ts";
import { maskPaths, type StoredDocument, toMessage } from "./document.ts";
import { checkCollectionId, keysBelow, nameKey, parseParent } from "./document-name.ts";
import type { ConsistencySelector, DocumentMask } from "./messages.ts";
import { type Reading, readAt, startReading } from "./reading.ts";
import type { FirestoreState } from "./state.ts";
import { first, type Store } from "./store.ts";

const DEFAULT_PAGE_SIZE = 100;
const MAX_PAGE_SIZE = 300;

type ListDocumentsRequest = ConsistencySelector & {
  parent?: string;
  collectionId?: string;
  pageSize?: number;
  pageToken?: string;
  orderBy?: string;
  mask?: DocumentMask;
  showMissing?: boolean;
};

/**
 * `google.firestore.v1.Firestore.ListDocuments`
 *
 * Differs: documents are listed in the order of their names only; any other `orderBy` is refused.
 */
export function listDocuments(state: FirestoreState, request: ListDocumentsRequest): object {
  parseParent(request.parent);
  checkCollectionId(request.collectionId ?? "");
  if (request.orderBy && request.orderBy !== "__name__") {
    throw new GoogleError("UNIMPLEMENTED", "ListDocuments with order_by is not implemented");
  }
  const reading = startReading(state, request);
  const paths = maskPaths(request.mask);
  const collection = `${request.parent}/${request.collectionId}`;
  const size = pageSize(request.pageSize);
  const documents: object[] = [];
  let last: string | undefined;
  for (const id of idsBelow(state.store, collection, request.pageToken)) {
    if (documents.length === size) return { documents, nextPageToken: last };
    const name = `${collection}/${id}`;
    const document = documentAt(reading, name);
    if (document) documents.push(toMessage(document, paths));
    else if (request.showMissing) documents.push({ name });
    last = id;
  }
  return { documents };
}

function documentAt(reading: Reading, name: string): StoredDocument | undefined {
  return readAt(reading, nameKey(name));
}

interface ListCollectionIdsRequest {
  parent?: string;
  pageSize?: number;
  pageToken?: string;
}

/** `google.firestore.v1.Firestore.ListCollectionIds`: collections with a document at any depth. */
export function listCollectionIds(
  state: FirestoreState,
  request: ListCollectionIdsRequest,
): object {
  parseParent(request.parent);
  const size = pageSize(request.pageSize);
  const collectionIds: string[] = [];
  for (const id of idsBelow(state.store, request.parent as string, request.pageToken)) {
    if (collectionIds.length === size)
      return { collectionIds, nextPageToken: collectionIds.at(-1) };
    collectionIds.push(id);
  }
  return { collectionIds };
}

function pageSize(asked: number | undefined): number {
  return Math.min(asked || DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE);
}

/**
 * The names directly below a path that have a document at or below them, leaping from one to the
 * next.
 */
function* idsBelow(store: Store, path: string, afterId?: string): Generator<string> {
  const { first: start, after } = keysBelow(path);
  let lower = afterId ? keysBelow(`${path}/${afterId}`).after : start;
  while (true) {
    const sql = "SELECT name FROM documents WHERE key >= ? AND key < ? ORDER BY key LIMIT 1";
    const row = first<{ name: string }>(store, sql, [lower, after]);
    if (!row) return;
    const id = row.name.slice(path.length + 1).split("/")[0] as string;
    yield id;
    lower = keysBelow(`${path}/${id}`).after;
  }
}
