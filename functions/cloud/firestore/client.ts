import { Firestore, Timestamp } from "@google-cloud/firestore";

/** The client that all stores share. `FIRESTORE_EMULATOR_HOST` is honoured by it. */
export function openFirestore({ projectId }: { projectId: string }): Firestore {
  return new Firestore({ projectId });
}

/** A document's data with `Date`s for Timestamps. */
export function fromDocument(value: unknown): unknown {
  if (value instanceof Timestamp) return value.toDate();
  if (Array.isArray(value)) return value.map(fromDocument);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fromDocument(item)]));
}
