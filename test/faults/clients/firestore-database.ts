import type { StoredDocument } from "../../../infra/emulators/firestore/document.ts";
import { maskPaths } from "../../../infra/emulators/firestore/document.ts";
import { nameKey, parseDocumentName } from "../../../infra/emulators/firestore/document-name.ts";
import { valueAt, withValueAt } from "../../../infra/emulators/firestore/field-path.ts";
import type { Change } from "../../../infra/emulators/firestore/history.ts";
import type { Write, WriteResult } from "../../../infra/emulators/firestore/messages.ts";
import { compareByQuery, matches, type Query } from "../../../infra/emulators/firestore/query.ts";
import { concerns, type QueryWindow } from "../../../infra/emulators/firestore/query-window.ts";
import { toTimestamp } from "../../../infra/emulators/firestore/timestamp.ts";
import { applyTransforms } from "../../../infra/emulators/firestore/transform.ts";
import { checkPrecondition, type ParsedWrite } from "../../../infra/emulators/firestore/write.ts";
import { GoogleError } from "../../../infra/emulators/wire/status.ts";

/** A transaction under way; all that it reads is of the instant `at`, in microseconds. */
export interface OpenTransaction {
  id: string;
  at: number;
  isReadOnly: boolean;
  startedAtMs: number;
  usedAtMs: number;
  readKeys: Set<string>;
  readQueries: QueryWindow[];
}

/** One version of a document; undefined: it does not exist. */
interface Version {
  at: number;
  document: StoredDocument | undefined;
}

/** @see https://cloud.google.com/firestore/quotas#writes_and_transactions */
const MAX_AGE_MS = 270_000;
const MAX_IDLE_MS = 60_000;
const NOTHING = new Uint8Array();

/**
 * Documents in memory, with every version of each: the emulator's parsing, matching, order and
 * transforms on maps in the place of its tables, so that a transaction costs microseconds.
 */
export class MemoryDatabase {
  readonly #nowMs: () => number;
  readonly #versions = new Map<string, Version[]>();
  readonly #collections = new Map<string, Set<string>>();
  readonly #transactions = new Map<string, OpenTransaction>();
  readonly #changes: Change[] = [];
  #lastMicros = 0;
  #begun = 0;
  /** Is told what each commit has changed. */
  onCommit: (changes: readonly Change[]) => void = () => {};
  /** Is told how many reads a request is paid for as. */
  onRead: (documents: number) => void = () => {};

  /** @param nowMs the server's time, milliseconds since the epoch */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Begins a transaction; a read-only one may be of an earlier instant. */
  begin(options: { readOnly?: unknown; readWrite?: unknown }): OpenTransaction {
    this.#begun += 1;
    const nowMs = this.#nowMs();
    const transaction: OpenTransaction = {
      id: Buffer.from(String(this.#begun).padStart(16, "0")).toString("base64"),
      at: this.readTime(),
      isReadOnly: options.readOnly !== undefined,
      startedAtMs: nowMs,
      usedAtMs: nowMs,
      readKeys: new Set(),
      readQueries: [],
    };
    this.#transactions.set(transaction.id, transaction);
    return transaction;
  }

  /** @throws {GoogleError} INVALID_ARGUMENT if there is none of that id any more */
  use(id: Uint8Array): OpenTransaction {
    const key = Buffer.from(id).toString("base64");
    const transaction = this.#transactions.get(key);
    const nowMs = this.#nowMs();
    const isOver =
      transaction === undefined ||
      nowMs - transaction.startedAtMs > MAX_AGE_MS ||
      nowMs - transaction.usedAtMs > MAX_IDLE_MS;
    if (isOver) {
      this.#transactions.delete(key);
      throw new GoogleError(
        "INVALID_ARGUMENT",
        "The referenced transaction has expired or is no longer valid.",
      );
    }
    transaction.usedAtMs = nowMs;
    return transaction;
  }

  /** Ends a transaction: its id is of no use from here on. */
  end(id: Uint8Array): OpenTransaction {
    const transaction = this.use(id);
    this.#transactions.delete(transaction.id);
    return transaction;
  }

  /** The instant of a read: nothing that commits later gets one as early. */
  readTime(): number {
    this.#lastMicros = Math.max(this.#nowMs() * 1000, this.#lastMicros);
    return this.#lastMicros;
  }

  /** The document as it was at the instant; default: as it is. */
  read(key: string, at = Number.POSITIVE_INFINITY): StoredDocument | undefined {
    const versions = this.#versions.get(key);
    if (versions === undefined) return undefined;
    for (let index = versions.length - 1; index >= 0; index -= 1) {
      const version = versions[index];
      if (version !== undefined && version.at <= at) return version.document;
    }
    return undefined;
  }

  /** Every document of the collections of that id, as they are. */
  collection(id: string): StoredDocument[] {
    const keys = [...this.#collections].flatMap(([path, of]) =>
      path.endsWith(`/${id}`) ? [...of] : [],
    );
    return keys.map((key) => this.read(key)).filter((document) => document !== undefined);
  }

  /** What the query gives at the instant, in its order. */
  query(query: Query, at = Number.POSITIVE_INFINITY): StoredDocument[] {
    const found: StoredDocument[] = [];
    for (const key of this.#keysIn(query)) {
      const document = this.read(key, at);
      if (document !== undefined && matches(query, document)) found.push(document);
    }
    found.sort((left, right) => compareByQuery(query, left, right));
    return found.slice(
      query.offset,
      query.limit === undefined ? undefined : query.offset + query.limit,
    );
  }

  *#keysIn({ scope }: Query): Iterable<string> {
    if (!scope.allDescendants) {
      yield* this.#collections.get(`${scope.parent}/${scope.collectionId}`) ?? [];
      return;
    }
    for (const [path, keys] of this.#collections) {
      const isOfId = scope.collectionId === undefined || path.endsWith(`/${scope.collectionId}`);
      if (isOfId && path.startsWith(`${scope.parent}/`)) yield* keys;
    }
  }

  /**
   * Applies the writes, all or none.
   *
   * @param within the transaction that they are of; what it has read must be so still
   * @throws {GoogleError} ABORTED, or what the first write that cannot be applied says
   */
  commit(
    writes: readonly Write[],
    within?: OpenTransaction,
  ): { at: number; results: WriteResult[] } {
    if (within?.isReadOnly && writes.length > 0) {
      const text = "Cannot modify entities in a read-only transaction.";
      throw new GoogleError("INVALID_ARGUMENT", text);
    }
    const parsed = writes.map(parseWrite);
    if (within !== undefined && !within.isReadOnly) this.#checkReads(within);
    const at = Math.max(this.#nowMs() * 1000, this.#lastMicros + 1);
    const changes = new Map<string, Change>();
    const results = parsed.map((write) => this.#stage(write, at, changes));
    this.#lastMicros = at;
    for (const change of changes.values()) this.#store(change);
    if (changes.size > 0) this.onCommit([...changes.values()]);
    return { at, results };
  }

  /** @throws {GoogleError} ABORTED, which clients answer by beginning again */
  #checkReads({ at, readKeys, readQueries }: OpenTransaction): void {
    for (let index = this.#changes.length - 1; index >= 0; index -= 1) {
      const change = this.#changes[index] as Change;
      if (change.at <= at) return;
      const isStale =
        readKeys.has(change.key) || readQueries.some((window) => concerns(window, change));
      if (!isStale) continue;
      const text = "Too much contention on these documents. Please try again.";
      throw new GoogleError("ABORTED", text);
    }
  }

  #stage(write: ParsedWrite, at: number, changes: Map<string, Change>): WriteResult {
    const key = nameKey(write.name.name);
    const earlier = changes.get(key);
    const before = earlier === undefined ? this.read(key) : earlier.after;
    const { after, transformResults } = applied({ ...write, key }, before, at);
    changes.set(key, { at, key, before: earlier ? earlier.before : before, after });
    return {
      ...(after && { updateTime: toTimestamp(at) }),
      ...(transformResults.length > 0 && { transformResults }),
    };
  }

  #store(change: Change): void {
    const { key, at, before, after } = change;
    const name = (after ?? before)?.name;
    if (name === undefined) return;
    const keys = this.#collections.get(name.collection) ?? new Set();
    this.#collections.set(name.collection, keys.add(key));
    const versions = this.#versions.get(key) ?? [];
    versions.push({ at, document: after });
    this.#versions.set(key, versions);
    this.#changes.push(change);
  }
}

/** The emulator's `parseWrite` for what Google's client has made: its fields are not looked at. */
function parseWrite(write: Write): ParsedWrite {
  const precondition = write.currentDocument ?? undefined;
  if (write.delete) return { name: parseDocumentName(write.delete), precondition };
  if (!write.update) throw new GoogleError("INVALID_ARGUMENT", "A write has no operation.");
  const update = {
    fields: write.update.fields ?? {},
    mask: maskPaths(write.updateMask ?? undefined),
    transforms: write.updateTransforms ?? [],
  };
  return { name: parseDocumentName(write.update.name), update, precondition };
}

/** The emulator's `applyWrite` without the encoding of what comes out. */
function applied(
  write: ParsedWrite & { key: string },
  before: StoredDocument | undefined,
  at: number,
): {
  after: StoredDocument | undefined;
  transformResults: NonNullable<WriteResult["transformResults"]>;
} {
  checkPrecondition(write, before);
  if (!write.update) return { after: undefined, transformResults: [] };
  const { mask, transforms } = write.update;
  let merged = write.update.fields;
  if (mask !== undefined) {
    merged = before?.fields ?? {};
    for (const path of mask) merged = withValueAt(merged, path, valueAt(write.update.fields, path));
  }
  const { fields, results } = applyTransforms(merged, transforms, at);
  const { name, key } = write;
  const createdAt = before?.createdAt ?? at;
  const after = { name, key, encoded: NOTHING, fields, createdAt, updatedAt: at };
  return { after, transformResults: results };
}
