import { Firestore, Timestamp } from "@google-cloud/firestore";
import type { Clock } from "../../../shared/clock.ts";
import { type Calling, calling } from "../google-error.ts";

/** What every store works with: the client that they share, and how its calls are run. */
export interface Database {
  firestore: Firestore;
  call: Calling;
}

/** `FIRESTORE_EMULATOR_HOST` is honoured by the client. */
export function openFirestore({ projectId }: { projectId: string }): Firestore {
  return new Firestore({ projectId });
}

/** Of a client that is open already. */
export function databaseOf(firestore: Firestore, timers: Timers): Database {
  return { firestore, call: calling("Firestore", timers) };
}

type Timers = Pick<Clock, "after">;

/** A document's data with `Date`s for Timestamps. */
export function fromDocument(value: unknown): unknown {
  if (value instanceof Timestamp) return value.toDate();
  if (Array.isArray(value)) return value.map(fromDocument);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fromDocument(item)]));
}
