import { inTransaction } from "../wire/database.ts";
import { GoogleError } from "../wire/status.ts";
import { documentEvents } from "./document-event.ts";
import { nameKey } from "./document-name.ts";
import { type Change, remember } from "./history.ts";
import { publishChanges } from "./listen.ts";
import type { Write, WriteResult } from "./messages.ts";
import { type FirestoreState, nextCommitTime } from "./state.ts";
import { forgetCaches, readDocument, replaceDocument, writeSetting } from "./store.ts";
import { toTimestamp } from "./timestamp.ts";
import { applyWrite, type ParsedWrite, parseWrite } from "./write.ts";

/** What became of the writes of one commit. */
export interface Committed {
  /** Microseconds. */
  at: number;
  results: WriteResult[];
}

/**
 * Applies the writes in their order, all or none, and tells the listeners. On return they are
 * stored.
 *
 * @throws {GoogleError} what the first write that cannot be applied says.
 */
export function commitWrites(state: FirestoreState, writes: readonly Write[]): Committed {
  const parsed = writes.map(parseWrite);
  const at = nextCommitTime(state);
  const changes = new Map<string, Change>();
  const results = stored(state, () => {
    const applied = parsed.map((write) => applyAndStore(state, write, { at, changes }));
    writeSetting(state.store, "lastCommit", at);
    return applied;
  });
  announce(state, at, [...changes.values()]);
  return { at, results };
}

/** What became of a write that stands for itself: its result, or why not. */
export type WriteOutcome = { result: WriteResult } | { error: GoogleError };

/** Applies each write for itself; one that cannot be applied does not keep the others back. */
export function commitEach(state: FirestoreState, writes: readonly Write[]): WriteOutcome[] {
  const commits: { at: number; changes: Map<string, Change> }[] = [];
  const outcomes = stored(state, () => {
    const each = writes.map((write): WriteOutcome => {
      const commit = { at: nextCommitTime(state), changes: new Map<string, Change>() };
      try {
        const result = applyAndStore(state, parseWrite(write), commit);
        commits.push(commit);
        return { result };
      } catch (error) {
        if (error instanceof GoogleError) return { error };
        throw error;
      }
    });
    writeSetting(state.store, "lastCommit", state.lastMicros);
    return each;
  });
  for (const { at, changes } of commits) announce(state, at, [...changes.values()]);
  return outcomes;
}

function stored<T>(state: FirestoreState, work: () => T): T {
  try {
    return inTransaction(state.store.database, work);
  } catch (error) {
    forgetCaches(state.store);
    throw error;
  }
}

/** Stores what the write makes of its document. Throws a refusal before it has stored anything. */
function applyAndStore(
  state: FirestoreState,
  write: ParsedWrite,
  { at, changes }: { at: number; changes: Map<string, Change> },
): WriteResult {
  const key = nameKey(write.name.name);
  const before = readDocument(state.store, key);
  const { after, transformResults } = applyWrite(write, before, at);
  const isChanged = after ? after.updatedAt === at : before !== undefined;
  if (isChanged) {
    replaceDocument(state.store, before, after);
    const earliest = changes.has(key) ? changes.get(key)?.before : before;
    changes.set(key, { at, key, before: earliest, after });
  }
  const result: WriteResult = {};
  if (after) result.updateTime = toTimestamp(after.updatedAt);
  if (transformResults.length > 0) result.transformResults = transformResults;
  return result;
}

function announce(state: FirestoreState, at: number, changes: Change[]): void {
  state.lastCommitMicros = at;
  if (changes.length === 0) return;
  remember(state.history, changes);
  publishChanges(state, changes);
  for (const event of state.tell === undefined ? [] : changes.flatMap(documentEvents)) {
    state.tell?.(event);
  }
}
