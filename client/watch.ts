import type { Run } from "./types.ts";

/** A document as a listener of Google's Firestore client for Node sees it. */
interface Snapshot {
  exists: boolean;
  data(): Record<string, unknown> | undefined;
}

/** What is used of `Firestore` of `@google-cloud/firestore`, which the caller brings. */
export interface ListenableFirestore {
  doc(path: string): {
    onSnapshot(next: (snapshot: Snapshot) => void, failed: (error: Error) => void): () => void;
  };
}

/**
 * A run's document as it is now and after each change, until the run is over. Who takes their time
 * gets the latest: states in between are left out.
 *
 * @throws {Error} if there is no such run, or the listener fails
 */
export async function* watchRun(
  firestore: ListenableFirestore,
  runId: string,
  signal?: AbortSignal,
): AsyncGenerator<Run, void> {
  let seen: { run: Run } | { error: unknown } | undefined;
  let changed = Promise.withResolvers<void>();
  const see = (next: NonNullable<typeof seen>) => {
    seen = next;
    changed.resolve();
  };
  const abort = () => see({ error: signal?.reason });
  const stop = firestore.doc(`runs/${runId}`).onSnapshot(
    (snapshot) => see(seenIn(snapshot, runId)),
    (error) => see({ error }),
  );
  signal?.addEventListener("abort", abort);
  try {
    signal?.throwIfAborted();
    for (;;) {
      await changed.promise;
      changed = Promise.withResolvers();
      if (seen === undefined) continue;
      if ("error" in seen) throw seen.error;
      const { run } = seen;
      yield run;
      if (run.done) return;
    }
  } finally {
    stop();
    signal?.removeEventListener("abort", abort);
  }
}

function seenIn(snapshot: Snapshot, runId: string): { run: Run } | { error: Error } {
  const data = snapshot.data();
  if (data === undefined) return { error: new Error(`there is no run ${runId}`) };
  const run = asJson(data) as Run;
  const { output } = run;
  return { run: { ...run, output: output && { ...output, structured: parsed(output) } } };
}

/** The structured output, which a document has as JSON text. */
function parsed({ structured }: NonNullable<Run["output"]>): unknown {
  return typeof structured === "string" ? JSON.parse(structured) : null;
}

/** A document's value with RFC 3339 strings for Timestamps, as the API answers it. */
function asJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asJson);
  if (typeof value !== "object" || value === null) return value;
  if ("toDate" in value) return (value as { toDate(): Date }).toDate().toISOString();
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, asJson(item)]));
}
