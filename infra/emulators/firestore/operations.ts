import { GoogleError } from "../wire/status.ts";
import { aggregate } from "./aggregation.ts";
import { commitEach, commitWrites } from "./commit.ts";
import { maskPaths, toMessage } from "./document.ts";
import { nameKey, parseDocumentName, rootOf } from "./document-name.ts";
import { checkIndex } from "./index-requirement.ts";
import type {
  Aggregation,
  ConsistencySelector,
  DocumentMask,
  StructuredQuery,
  TransactionOptions,
  Write,
} from "./messages.ts";
import { parseAggregatedQuery, type Query } from "./query.ts";
import { queryAt, type Reading, readAt, startReading } from "./reading.ts";
import type { FirestoreState } from "./state.ts";
import { toTimestamp } from "./timestamp.ts";
import { checkReads, endTransaction, startTransaction } from "./transaction.ts";

/** `google.firestore.v1.Firestore.BeginTransaction` */
export function beginTransaction(
  state: FirestoreState,
  request: { database?: string; options?: TransactionOptions },
): object {
  rootOf(request.database);
  const { id } = startTransaction(state, request.options);
  return { transaction: Buffer.from(id, "base64") };
}

/** `google.firestore.v1.Firestore.Rollback` */
export function rollback(state: FirestoreState, request: { transaction?: Uint8Array }): object {
  endTransaction(state, request.transaction ?? new Uint8Array());
  return {};
}

interface CommitRequest {
  database?: string;
  writes?: Write[];
  transaction?: Uint8Array;
}

/** `google.firestore.v1.Firestore.Commit` */
export function commit(state: FirestoreState, request: CommitRequest): object {
  const root = rootOf(request.database);
  const writes = request.writes ?? [];
  checkDatabase(root, writes);
  if (request.transaction?.length) {
    const transaction = endTransaction(state, request.transaction);
    if (transaction.isReadOnly && writes.length > 0) {
      throw new GoogleError(
        "INVALID_ARGUMENT",
        "Cannot modify entities in a read-only transaction.",
      );
    }
    if (!transaction.isReadOnly) checkReads(state, transaction);
  }
  const { at, results } = commitWrites(state, writes);
  return { writeResults: results, commitTime: toTimestamp(at) };
}

/** `google.firestore.v1.Firestore.BatchWrite` */
export function batchWrite(
  state: FirestoreState,
  request: { database?: string; writes?: Write[] },
): object {
  const writes = request.writes ?? [];
  checkDatabase(rootOf(request.database), writes);
  const outcomes = commitEach(state, writes);
  return {
    writeResults: outcomes.map((outcome) => ("result" in outcome ? outcome.result : {})),
    status: outcomes.map((outcome) =>
      "result" in outcome
        ? { code: 0 }
        : { code: outcome.error.grpcCode, message: outcome.error.message },
    ),
  };
}

function checkDatabase(root: string, writes: readonly Write[]): void {
  for (const write of writes) {
    const name = write.update?.name ?? write.delete ?? write.transform?.document;
    if (name === undefined || name.startsWith(`${root}/`)) continue;
    throw new GoogleError(
      "INVALID_ARGUMENT",
      `The document "${name}" does not belong to the request's database "${root}".`,
    );
  }
}

type GetDocumentRequest = ConsistencySelector & { name?: string; mask?: DocumentMask };

/** `google.firestore.v1.Firestore.GetDocument` */
export function getDocument(state: FirestoreState, request: GetDocumentRequest): object {
  const { name } = parseDocumentName(request.name);
  const document = readAt(startReading(state, request), nameKey(name));
  if (!document) throw new GoogleError("NOT_FOUND", `Document "${name}" not found.`);
  return toMessage(document, maskPaths(request.mask));
}

type BatchGetRequest = ConsistencySelector & {
  database?: string;
  documents?: string[];
  mask?: DocumentMask;
};

/** `google.firestore.v1.Firestore.BatchGetDocuments` */
export function* batchGetDocuments(
  state: FirestoreState,
  request: BatchGetRequest,
): Generator<object> {
  const names = (request.documents ?? []).map((name) => parseDocumentName(name).name);
  const paths = maskPaths(request.mask);
  const reading = startReading(state, request);
  const documents = names.map((name) => readAt(reading, nameKey(name)));
  if (reading.begun) yield { transaction: reading.begun };
  const readTime = toTimestamp(reading.at);
  for (const [index, document] of documents.entries()) {
    if (document) yield { found: toMessage(document, paths), readTime };
    else yield { missing: names[index], readTime };
  }
}

type RunQueryRequest = ConsistencySelector & {
  parent?: string;
  structuredQuery?: StructuredQuery;
};

/** `google.firestore.v1.Firestore.RunQuery` */
export function* runQuery(state: FirestoreState, request: RunQueryRequest): Generator<object> {
  const query = checkedQuery(state, {
    parent: request.parent,
    structuredQuery: request.structuredQuery,
    aggregated: [],
  });
  const reading = startReading(state, request);
  const { documents, skipped } = queryAt(reading, query);
  if (reading.begun) yield { transaction: reading.begun };
  const readTime = toTimestamp(reading.at);
  if (documents.length === 0) yield { readTime, skippedResults: skipped };
  for (const [index, document] of documents.entries()) {
    const message = toMessage(document, query.select);
    yield index === 0
      ? { document: message, readTime, skippedResults: skipped }
      : { document: message, readTime };
  }
}

type RunAggregationQueryRequest = ConsistencySelector & {
  parent?: string;
  structuredAggregationQuery?: { structuredQuery?: StructuredQuery; aggregations?: Aggregation[] };
};

/** `google.firestore.v1.Firestore.RunAggregationQuery` */
export function* runAggregationQuery(
  state: FirestoreState,
  request: RunAggregationQueryRequest,
): Generator<object> {
  const { structuredQuery, aggregations = [] } = request.structuredAggregationQuery ?? {};
  const aggregated = aggregations.flatMap(({ sum, avg }) => (sum ?? avg)?.field?.fieldPath ?? []);
  const query = checkedQuery(state, { parent: request.parent, structuredQuery, aggregated });
  const reading = startReading(state, request);
  noteAggregated(reading, query);
  const { overlay } = reading;
  const aggregateFields = aggregate({ store: state.store, query, overlay }, aggregations);
  if (reading.begun) yield { transaction: reading.begun };
  yield { result: { aggregateFields }, readTime: toTimestamp(reading.at) };
}

/** Any document that matches, before or after, makes the aggregation another. */
function noteAggregated({ transaction }: Reading, query: Query): void {
  if (transaction && !transaction.isReadOnly) {
    transaction.readQueries.push({ query, documents: undefined });
  }
}

function checkedQuery(
  state: FirestoreState,
  {
    parent,
    structuredQuery,
    aggregated,
  }: {
    parent: string | undefined;
    structuredQuery: StructuredQuery | undefined;
    aggregated: string[];
  },
): Query {
  if (!structuredQuery) throw new GoogleError("INVALID_ARGUMENT", "The request has no query.");
  const query = parseAggregatedQuery(parent, structuredQuery, aggregated);
  checkIndex(state.store.catalog, query);
  return query;
}
