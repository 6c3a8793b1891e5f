import { randomBytes } from "node:crypto";
import { GoogleError } from "../wire/status.ts";
import { changesSince, overlayAt } from "./history.ts";
import type { TransactionOptions } from "./messages.ts";
import { concerns } from "./query-window.ts";
import type { Overlay } from "./run-query.ts";
import { type FirestoreState, nextReadTime, type Transaction } from "./state.ts";
import { toMicros } from "./timestamp.ts";

/** @see https://cloud.google.com/firestore/quotas#writes_and_transactions */
const MAX_AGE_MS = 270_000;
const MAX_IDLE_MS = 60_000;

/** Begins a transaction; a read-only one may be at an earlier instant. */
export function startTransaction(
  state: FirestoreState,
  options: TransactionOptions | undefined,
): Transaction {
  forgetExpired(state);
  const readTime = options?.readOnly?.readTime;
  const now = state.clock.now();
  const transaction: Transaction = {
    id: randomBytes(16).toString("base64"),
    isReadOnly: options?.readOnly !== undefined,
    at: readTime ? checkedReadTime(state, toMicros(readTime)) : nextReadTime(state),
    startedAtMs: now,
    usedAtMs: now,
    readKeys: new Set(),
    readQueries: [],
  };
  state.transactions.set(transaction.id, transaction);
  return transaction;
}

/**
 * Finds a transaction by the id that its client sent and marks it as used.
 *
 * @throws {GoogleError} INVALID_ARGUMENT if there is none (any more).
 */
export function useTransaction(state: FirestoreState, id: Uint8Array): Transaction {
  const transaction = state.transactions.get(Buffer.from(id).toString("base64"));
  if (!transaction || isExpired(state, transaction)) {
    if (transaction) state.transactions.delete(transaction.id);
    throw new GoogleError(
      "INVALID_ARGUMENT",
      "The referenced transaction has expired or is no longer valid.",
    );
  }
  transaction.usedAtMs = state.clock.now();
  return transaction;
}

/** Ends a transaction: its id is of no use from here on. */
export function endTransaction(state: FirestoreState, id: Uint8Array): Transaction {
  const transaction = useTransaction(state, id);
  state.transactions.delete(transaction.id);
  return transaction;
}

function isExpired(state: FirestoreState, transaction: Transaction): boolean {
  const now = state.clock.now();
  return now - transaction.startedAtMs > MAX_AGE_MS || now - transaction.usedAtMs > MAX_IDLE_MS;
}

function forgetExpired(state: FirestoreState): void {
  for (const transaction of state.transactions.values()) {
    if (!isExpired(state, transaction)) return;
    state.transactions.delete(transaction.id);
  }
}

/**
 * @throws {GoogleError} INVALID_ARGUMENT for a time to come; FAILED_PRECONDITION for one too old.
 */
export function checkedReadTime(state: FirestoreState, at: number): number {
  if (at > nextReadTime(state)) {
    throw new GoogleError("INVALID_ARGUMENT", "The read_time cannot be in the future.");
  }
  snapshotAt(state, at);
  return at;
}

/**
 * How documents differ from now at an instant.
 *
 * @throws {GoogleError} FAILED_PRECONDITION if that is not known any more.
 */
export function snapshotAt(state: FirestoreState, at: number): Overlay | undefined {
  return at >= state.lastCommitMicros ? undefined : overlayAt(state.history, at);
}

/**
 * Checks that nothing the transaction has read is another now.
 *
 * Differs: Google's Standard edition locks what a transaction reads and lets other writers wait;
 * the stand-in lets them commit and refuses the transaction that read before.
 *
 * @throws {GoogleError} ABORTED, which clients answer by beginning again.
 */
export function checkReads(state: FirestoreState, transaction: Transaction): void {
  const changes = changesSince(state.history, transaction.at);
  const isStale = changes?.some(
    (change) =>
      transaction.readKeys.has(change.key) ||
      transaction.readQueries.some((window) => concerns(window, change)),
  );
  if (changes && !isStale) return;
  throw new GoogleError("ABORTED", "Too much contention on these documents. Please try again.");
}
