import { EventSourceParserStream } from "eventsource-parser/stream";
import { type Send, waitFor } from "./connection.ts";
import { ProblemError } from "./problem-error.ts";
import type { RunEvent } from "./types.ts";

export interface FollowOptions {
  /** Id of the last event that is known: only later ones are wanted. Default: from the first. */
  after?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** Wait before a stream that broke off is opened again, unless it says otherwise. */
const RECONNECT_MS = 2000;
/** Streams in a row that may end without an event. */
const EMPTY_STREAMS = 5;

/**
 * A run's events in their order, each once, until the run is over; goes on by itself after a connection
 * is lost.
 *
 * @throws {ProblemError} not_found, events_expired, unauthorized; the platform's error if the API cannot
 *   be reached
 */
export async function* followRun(
  send: Send,
  runId: string,
  { after, signal }: FollowOptions,
): AsyncGenerator<RunEvent, void> {
  const place = { lastEventId: after, reconnectMs: RECONNECT_MS };
  for (let empty = 0; empty < EMPTY_STREAMS; empty += 1) {
    if (empty > 0) await waitFor(place.reconnectMs, signal);
    const headers = { "last-event-id": place.lastEventId };
    const stream = await send(`/runs/${encodeURIComponent(runId)}/events`, { headers, signal });
    try {
      for await (const { event, id, data } of messagesOf(stream, place)) {
        if (event === "done") return;
        place.lastEventId = id;
        empty = 0;
        yield JSON.parse(data) as RunEvent;
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (!isLostConnection(error)) throw error;
    }
  }
  const detail = `the events of run ${runId} broke off ${EMPTY_STREAMS} times without a word`;
  throw new ProblemError({ code: "unknown", status: 200, detail });
}

async function* messagesOf({ body }: Response, place: { reconnectMs: number }) {
  if (body === null) return;
  const onRetry = (milliseconds: number) => {
    place.reconnectMs = milliseconds;
  };
  yield* body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream({ onRetry }));
}

/** What `fetch` throws when a connection ends in the middle of a body. */
function isLostConnection(error: unknown): boolean {
  return (error as Error).name === "TypeError";
}
