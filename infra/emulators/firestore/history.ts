import { GoogleError } from "../wire/status.ts";
import type { StoredDocument } from "./document.ts";

/**
 * Differs: Google reads up to an hour back (seven days with point-in-time recovery); the stand-in
 * keeps old versions in memory, five minutes or 64 MiB of them, and none across a restart.
 */
const KEPT_FOR_MS = 5 * 60_000;
const KEPT_BYTES = 64 * 1024 * 1024;
const STEP_MS = 10_000;
const STEP_BYTES = 4 * 1024 * 1024;

/** One document before and after a commit. */
export interface Change {
  /** The commit's time in microseconds. */
  at: number;
  key: string;
  before: StoredDocument | undefined;
  after: StoredDocument | undefined;
}

/** The latest changes, oldest first. */
export interface History {
  changes: Change[];
  bytes: number;
  /** Any instant from this one on can be read. */
  completeSince: number;
}

export function startHistory(now: number): History {
  return { changes: [], bytes: 0, completeSince: now };
}

/** Adds a commit's changes and forgets what is too old. */
export function remember(history: History, changes: readonly Change[]): void {
  for (const change of changes) {
    const kept = { ...change, before: packed(change.before), after: packed(change.after) };
    history.changes.push(kept);
    history.bytes += sizeOf(kept);
  }
  const oldest = (changes.at(-1)?.at ?? 0) - KEPT_FOR_MS * 1000;
  const first = history.changes[0];
  // In steps, because each moves the whole list.
  if (!first || (first.at >= oldest - STEP_MS * 1000 && history.bytes <= KEPT_BYTES)) return;
  let forgotten = 0;
  for (const change of history.changes) {
    if (change.at >= oldest && history.bytes <= KEPT_BYTES - STEP_BYTES) break;
    history.bytes -= sizeOf(change);
    history.completeSince = Math.max(history.completeSince, change.at);
    forgotten++;
  }
  history.changes.splice(0, forgotten);
}

/** The document without what was made of it on demand. */
function packed(document: StoredDocument | undefined): StoredDocument | undefined {
  if (!document) return undefined;
  const { name, key, encoded, createdAt, updatedAt } = document;
  return { name, key, encoded, createdAt, updatedAt };
}

function sizeOf({ before, after }: Change): number {
  return 1000 + (before?.encoded.length ?? 0) + (after?.encoded.length ?? 0);
}

/** The changes after an instant; undefined if they are not all known any more. */
export function changesSince(history: History, at: number): Change[] | undefined {
  if (at < history.completeSince) return undefined;
  let from = history.changes.length;
  while (from > 0 && (history.changes[from - 1] as Change).at > at) from--;
  return history.changes.slice(from);
}

/**
 * What differs from now at an earlier instant: for each document changed since, what it was.
 *
 * @throws {GoogleError} FAILED_PRECONDITION if the instant is too far back.
 */
export function overlayAt(history: History, at: number): Map<string, StoredDocument | undefined> {
  const changes = changesSince(history, at);
  if (!changes) {
    throw new GoogleError("FAILED_PRECONDITION", "The requested snapshot version is too old.");
  }
  const overlay = new Map<string, StoredDocument | undefined>();
  for (const change of changes) {
    if (!overlay.has(change.key)) overlay.set(change.key, change.before);
  }
  return overlay;
}
