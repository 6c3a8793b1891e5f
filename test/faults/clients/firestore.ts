import { createRequire } from "node:module";
import type { Writable } from "node:stream";
import { Firestore } from "@google-cloud/firestore";
import {
  maskPaths,
  type StoredDocument,
  toMessage,
} from "../../../infra/emulators/firestore/document.ts";
import {
  nameKey,
  parseDocumentName,
  rootOf,
} from "../../../infra/emulators/firestore/document-name.ts";
import type { IndexCatalog } from "../../../infra/emulators/firestore/index-catalog.ts";
import { checkIndex } from "../../../infra/emulators/firestore/index-requirement.ts";
import type {
  ConsistencySelector,
  DocumentMask,
  StructuredQuery,
  Write,
} from "../../../infra/emulators/firestore/messages.ts";
import { parseQuery } from "../../../infra/emulators/firestore/query.ts";
import { windowOf } from "../../../infra/emulators/firestore/query-window.ts";
import { toMicros, toTimestamp } from "../../../infra/emulators/firestore/timestamp.ts";
import { GoogleError } from "../../../infra/emulators/wire/status.ts";
import type { Caller } from "./caller.ts";
import { asClientError } from "./client-error.ts";
import type { MemoryDatabase, OpenTransaction } from "./firestore-database.ts";

/** Not public: what its transactions wait with between two tries. */
const backoff: { delayExecution: unknown } = createRequire(
  import.meta.resolve("@google-cloud/firestore"),
)("./backoff.js");

/**
 * Hands the timers of Firestore's clients, of all in this process, to another clock.
 *
 * @returns gives them back to the one before
 */
export function setFirestoreTimers(after: (ms: number, callback: () => void) => void): () => void {
  const { delayExecution } = backoff;
  backoff.delayExecution = (callback: () => void, ms: number) => {
    if (ms === 0) queueMicrotask(callback);
    else after(ms, callback);
  };
  return () => {
    backoff.delayExecution = delayExecution;
  };
}

/** The parts of Google's client that are not public: where its requests leave it. */
interface Internals {
  _clientPool: unknown;
  requestStream(name: string, isBidirectional: boolean, request: unknown): Promise<object>;
  _retry<T>(method: string, tag: string, call: () => Promise<T>): Promise<T>;
}

/** One for each project: opening a client takes longer than a whole run. */
const opened = new Map<string, Firestore>();

/**
 * Google's own client of Firestore, whose requests go to a database in memory. Its transactions,
 * with their re-runs, and the repetition of reads are its own.
 *
 * Differs: the generated client below it repeats a commit that was answered with UNAVAILABLE; here
 * the caller is told at once.
 */
export function memoryFirestore(
  database: MemoryDatabase,
  caller: Caller,
  { projectId, catalog }: { projectId: string; catalog?: IndexCatalog },
): Firestore {
  const shared = opened.get(projectId) ?? openUntraced(projectId);
  opened.set(projectId, shared);
  // What hangs on a client, as its documents do, hangs on this one.
  const client = Object.create(shared) as Firestore & Internals;
  const service = new Service(database, catalog);
  const generated = generatedClient(service, caller);
  client._clientPool = {
    run: (_tag: string, _isGrpc: boolean, use: (generated: object) => Promise<unknown>) =>
      use(generated),
    terminate: async () => {},
  };
  client.requestStream = (name, _isBidirectional, request) =>
    client._retry(name, "", async () => {
      const replies = await ask(service, caller, { name, request });
      return name === "batchGetDocuments" ? listOf(replies) : streamOf(replies);
    });
  return client;
}

/** Without spans, which nobody would read. */
function openUntraced(projectId: string): Firestore {
  const { FIRESTORE_ENABLE_TRACING: before } = process.env;
  process.env["FIRESTORE_ENABLE_TRACING"] = "off";
  const client = new Firestore({ projectId });
  if (before === undefined) delete process.env["FIRESTORE_ENABLE_TRACING"];
  else process.env["FIRESTORE_ENABLE_TRACING"] = before;
  return client;
}

const KINDS: Record<string, string> = {
  batchGetDocuments: "firestore.get",
  runQuery: "firestore.query",
  runAggregationQuery: "firestore.aggregate",
  commit: "firestore.commit",
  rollback: "firestore.rollback",
  beginTransaction: "firestore.begin",
  batchWrite: "firestore.batchWrite",
};

type Reply = object | object[];

function ask(
  service: Service,
  caller: Caller,
  { name, request }: { name: string; request: unknown },
): Promise<Reply> {
  const kind = KINDS[name];
  if (kind === undefined) throw new Error(`the client in memory has no ${name}`);
  return caller
    .call(kind, () => service[name as "commit"](request as never) as Reply)
    .catch((error: unknown) => {
      throw asClientError(error);
    });
}

function generatedClient(service: Service, caller: Caller): object {
  const unary = (name: string) => async (request: unknown) => [
    await ask(service, caller, { name, request }),
  ];
  return {
    commit: unary("commit"),
    rollback: unary("rollback"),
    beginTransaction: unary("beginTransaction"),
    batchWrite: unary("batchWrite"),
  };
}

/** All that the client asks of the stream of a `BatchGetDocuments`. */
function listOf(replies: Reply): object {
  return { resume: () => {}, [Symbol.iterator]: () => (replies as object[])[Symbol.iterator]() };
}

/** All that it asks of the stream of a query, which never breaks off here. */
function streamOf(replies: Reply): object {
  const ends: (() => void)[] = [];
  return {
    on: (event: string, listener: () => void) => void (event === "end" && ends.push(listener)),
    resume: () => {},
    end: () => {},
    unpipe: () => {},
    pipe: (to: Writable) => {
      for (const reply of replies as object[]) to.write(reply);
      to.end();
      for (const end of ends) end();
    },
  };
}

interface Reading {
  at: number;
  transaction: OpenTransaction | undefined;
  /** Sent before everything else to the client that began a transaction with this read. */
  begun: object[];
}

/** The emulator's operations of the same names, on a database in memory. */
class Service {
  readonly #database: MemoryDatabase;
  readonly #catalog: IndexCatalog | undefined;

  constructor(database: MemoryDatabase, catalog: IndexCatalog | undefined) {
    this.#database = database;
    this.#catalog = catalog;
  }

  beginTransaction({ options = {} }: { options?: object }): object {
    return { transaction: Buffer.from(this.#database.begin(options).id, "base64") };
  }

  rollback({ transaction = new Uint8Array() }: { transaction?: Uint8Array }): object {
    this.#database.end(transaction);
    return {};
  }

  commit(request: {
    database?: string;
    writes?: Write[];
    transaction?: Uint8Array | null;
  }): object {
    rootOf(request.database);
    const within = request.transaction?.length
      ? this.#database.end(request.transaction)
      : undefined;
    const { at, results } = this.#database.commit(request.writes ?? [], within);
    return { writeResults: results, commitTime: toTimestamp(at) };
  }

  batchWrite({ writes = [] }: { writes?: Write[] }): object {
    const outcomes = writes.map((write) => {
      try {
        return { result: this.#database.commit([write]).results[0] ?? {}, status: { code: 0 } };
      } catch (error) {
        if (!(error instanceof GoogleError)) throw error;
        return { result: {}, status: { code: error.grpcCode, message: error.message } };
      }
    });
    return {
      writeResults: outcomes.map(({ result }) => result),
      status: outcomes.map(({ status }) => status),
    };
  }

  batchGetDocuments(
    request: ConsistencySelector & { documents?: string[]; mask?: DocumentMask },
  ): object[] {
    const paths = maskPaths(request.mask);
    const reading = this.#reading(request);
    const readTime = toTimestamp(reading.at);
    this.#database.onRead(request.documents?.length ?? 0);
    const replies = (request.documents ?? []).map((text) => {
      const { name } = parseDocumentName(text);
      const key = nameKey(name);
      reading.transaction?.readKeys.add(key);
      const document = this.#database.read(key, reading.at);
      return document
        ? { found: toMessage(document, paths), readTime }
        : { missing: name, readTime };
    });
    return [...reading.begun, ...replies];
  }

  runQuery(
    request: ConsistencySelector & { parent?: string; structuredQuery?: StructuredQuery },
  ): object[] {
    const { reading, documents, query } = this.#query(request, request.structuredQuery);
    const readTime = toTimestamp(reading.at);
    this.#database.onRead(Math.max(1, documents.length));
    const replies = documents.map((document) => ({
      document: toMessage(document, query.select),
      readTime,
    }));
    return [...reading.begun, ...(replies.length === 0 ? [{ readTime }] : replies)];
  }

  runAggregationQuery(
    request: ConsistencySelector & {
      parent?: string;
      structuredAggregationQuery?: {
        structuredQuery?: StructuredQuery;
        aggregations?: { alias?: string; count?: { upTo?: { value?: string } } }[];
      };
    },
  ): object[] {
    const { structuredQuery, aggregations = [] } = request.structuredAggregationQuery ?? {};
    const { reading, documents } = this.#query(request, structuredQuery);
    this.#database.onRead(Math.max(1, Math.ceil(documents.length / 1000)));
    const fields = aggregations.map(({ alias = "field_1", count }) => {
      if (count === undefined) throw new Error("the client in memory aggregates by count alone");
      const most = Number(count.upTo?.value ?? Number.POSITIVE_INFINITY);
      return [alias, { integerValue: String(Math.min(documents.length, most)) }];
    });
    const result = { aggregateFields: Object.fromEntries(fields) };
    return [...reading.begun, { result, readTime: toTimestamp(reading.at) }];
  }

  #query(
    request: ConsistencySelector & { parent?: string },
    structured: StructuredQuery | undefined,
  ) {
    const query = parseQuery(request.parent, structured ?? {});
    if (this.#catalog !== undefined) checkIndex(this.#catalog, query);
    const reading = this.#reading(request);
    const documents: StoredDocument[] = this.#database.query(query, reading.at);
    reading.transaction?.readQueries.push(windowOf(query, documents));
    return { reading, documents, query };
  }

  #reading({ transaction: id, newTransaction, readTime }: ConsistencySelector): Reading {
    if (newTransaction) {
      const transaction = this.#database.begin(newTransaction);
      const begun = [{ transaction: Buffer.from(transaction.id, "base64") }];
      return { at: transaction.at, transaction, begun };
    }
    const transaction = id?.length ? this.#database.use(id) : undefined;
    const at = transaction?.at ?? (readTime ? toMicros(readTime) : this.#database.readTime());
    return { at, transaction, begun: [] };
  }
}
