import { GoogleError } from "../wire/status.ts";
import type { StoredDocument } from "./document.ts";
import { changesSince } from "./history.ts";
import type { ConsistencySelector } from "./messages.ts";
import type { Query } from "./query.ts";
import { windowOf } from "./query-window.ts";
import { type Overlay, type QueryResult, runQuery } from "./run-query.ts";
import type { Transaction } from "./state.ts";
import { type FirestoreState, nextReadTime } from "./state.ts";
import { readDocument } from "./store.ts";
import { toMicros } from "./timestamp.ts";
import { checkedReadTime, snapshotAt, startTransaction, useTransaction } from "./transaction.ts";

/** A point in time to read at, and the transaction that reads. */
export interface Reading {
  state: FirestoreState;
  /** Microseconds. */
  at: number;
  overlay: Overlay | undefined;
  transaction: Transaction | undefined;
  /** The id to send to the client: only of a transaction that this read began. */
  begun: Buffer | undefined;
}

/** Begins a read as the request asks: now, at an instant, or in a new or known transaction. */
export function startReading(state: FirestoreState, selector: ConsistencySelector): Reading {
  const { transaction: id, newTransaction, readTime } = selector;
  const transaction = newTransaction
    ? startTransaction(state, newTransaction)
    : id?.length
      ? useTransaction(state, id)
      : undefined;
  const at = transaction?.at ?? (readTime ? instantOf(state, readTime) : nextReadTime(state));
  if (transaction && !changesSince(state.history, at)) {
    throw new GoogleError(
      "ABORTED",
      "The referenced transaction has expired or is no longer valid.",
    );
  }
  return {
    state,
    at,
    overlay: snapshotAt(state, at),
    transaction,
    begun: newTransaction && transaction ? Buffer.from(transaction.id, "base64") : undefined,
  };
}

function instantOf(state: FirestoreState, readTime: NonNullable<ConsistencySelector["readTime"]>) {
  return checkedReadTime(state, toMicros(readTime));
}

/** The document with this key as it was at the read's instant. */
export function readAt(reading: Reading, key: string): StoredDocument | undefined {
  const { state, overlay, transaction } = reading;
  if (transaction && !transaction.isReadOnly) transaction.readKeys.add(key);
  return overlay?.has(key) ? overlay.get(key) : readDocument(state.store, key);
}

/** What the query gave at the read's instant. */
export function queryAt(reading: Reading, query: Query): QueryResult {
  const result = runQuery(reading.state.store, query, reading.overlay);
  const { transaction } = reading;
  if (transaction && !transaction.isReadOnly) {
    transaction.readQueries.push(windowOf(query, result.documents));
  }
  return result;
}
