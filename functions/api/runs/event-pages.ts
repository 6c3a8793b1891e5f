import type { Event } from "../../../shared/documents/event.ts";
import { STREAMS } from "../../../shared/limits.ts";
import type { RunWatch } from "../../services/runs.ts";

interface Follower {
  runId: string;
  /** Id of the event to go on after; undefined: from the first. */
  after: string | undefined;
  signal: AbortSignal;
}

/**
 * The events of a run, in their order, as they come, until `signal` aborts. A batch without events
 * says that there are none yet, or that some were deleted.
 *
 * A listener keeps in memory what it has seen, so each sees one page of their documents: no more is
 * held for a follower, however slow it is and however many events the run has.
 */
export async function* eventBatches(
  watch: Pick<RunWatch, "watchEvents">,
  { runId, after, signal }: Follower,
): AsyncGenerator<Event[]> {
  let last = after;
  while (!signal.aborted) {
    for await (const batch of page(watch, { runId, after: last, signal })) {
      last = batch.at(-1)?.id ?? last;
      yield batch;
    }
  }
}

/** Ends with the page's last event, or with `signal`. */
function page(
  watch: Pick<RunWatch, "watchEvents">,
  { runId, after, signal }: Follower,
): ReadableStream<Event[]> {
  const opened = new DisposableStack();
  // An event at least is in each document.
  let room: number = STREAMS.eventPage;
  return new ReadableStream<Event[]>({
    start(controller) {
      const close = () => {
        opened.dispose();
        controller.close();
      };
      const next = (batch: Event[]) => {
        room -= batch.length;
        controller.enqueue(batch);
        if (room <= 0) close();
      };
      const failed = (error: unknown) => {
        opened.dispose();
        controller.error(error);
      };
      signal.addEventListener("abort", close);
      opened.defer(() => signal.removeEventListener("abort", close));
      const query = { runId, after, limit: STREAMS.eventPage };
      opened.defer(watch.watchEvents(query, { next, failed }));
    },
    cancel: () => opened.dispose(),
  });
}
