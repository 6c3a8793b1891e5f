import { type EventSourceMessage, EventSourceParserStream } from "eventsource-parser/stream";
import { type RequestOptions, type Send, waitFor } from "./connection.ts";
import { ProblemError } from "./problem-error.ts";
import type { Run, RunEvent } from "./types.ts";

export interface FollowOptions {
  /** Id of the last event that is known: only later ones are wanted. Default: from the first. */
  after?: string | undefined;
  signal?: AbortSignal | undefined;
  /**
   * A stream without a word for so many milliseconds is opened anew: its connection may be dead.
   * The API says something every second. Default: 10,000.
   */
  silenceMs?: number | undefined;
  /**
   * Is told `false` when the connection is lost or nothing was heard for two seconds, and each time
   * that it cannot be made again, and `true` when a stream is there.
   */
  onConnection?: ((isThere: boolean) => void) | undefined;
}

/** How far a run was followed. */
interface Place {
  lastEventId: string | undefined;
  reconnectMs: number;
  isBegun: boolean;
  /** Whether the last stream has said anything. */
  isHeard: boolean;
}

/** Wait before a stream that broke off is opened again, unless it says otherwise. */
const RECONNECT_MS = 1000;
const SILENCE_MS = 10_000;
/** A stream that is silent for longer than this may be lost. */
const QUIET_MS = 1900;
/** Streams in a row that may end without a word, a heartbeat included. */
const EMPTY_STREAMS = 5;

/**
 * A run's events in their order, each once, until the run is over; goes on by itself after a
 * connection is lost.
 *
 * @throws {ProblemError} not_found, events_expired, unauthorized; the platform's error if the API
 * cannot
 *   be reached
 */
export async function* followRun(
  send: Send,
  runId: string,
  options: FollowOptions,
): AsyncGenerator<RunEvent, void> {
  const path = `/runs/${encodeURIComponent(runId)}/events`;
  for await (const { event, data } of messages(send, { path, ...options })) {
    if (event === "done") return;
    yield JSON.parse(data) as RunEvent;
  }
}

/**
 * A change of a list of runs; `ready`: from here on none is missed, so whoever lists now knows all.
 */
export type ListChange =
  | { type: "ready"; position: string }
  | { type: "run"; run: Run; position: string }
  | { type: "gone"; id: string; position: string };

/**
 * The changes of a list of runs, as they come, until `signal` aborts. Some may be told twice.
 *
 * @throws {ProblemError} invalid, unauthorized; the platform's error if the API cannot be reached
 */
export async function* followList(
  send: Send,
  query: Query,
  options: FollowOptions,
): AsyncGenerator<ListChange, void> {
  const following = { path: "/runs", query: { ...query, follow: "true" }, ...options };
  for await (const { event, id: position = "", data } of messages(send, following)) {
    if (event === "ready") yield { type: event, position };
    if (event === "run") yield { type: event, run: JSON.parse(data) as Run, position };
    if (event === "gone")
      yield { type: event, id: (JSON.parse(data) as { id: string }).id, position };
  }
}

type Query = NonNullable<RequestOptions["query"]>;

/**
 * The messages of a stream that have an id, and `done`; goes on after the last one when it breaks
 * off.
 */
async function* messages(
  send: Send,
  { path, query, ...options }: FollowOptions & { path: string; query?: Query },
): AsyncGenerator<EventSourceMessage, void> {
  const { after, signal, silenceMs = SILENCE_MS, onConnection } = options;
  const onRetry = () => onConnection?.(false);
  const place: Place = {
    lastEventId: after,
    reconnectMs: RECONNECT_MS,
    isBegun: false,
    isHeard: false,
  };
  for (let empty = 0; empty < EMPTY_STREAMS; empty = place.isHeard ? 0 : empty + 1) {
    if (place.isBegun) await waitFor(place.reconnectMs, signal);
    Object.assign(place, { isBegun: true, isHeard: false });
    const headers = { "last-event-id": place.lastEventId };
    const silence = new AbortController();
    const both = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal;
    const stream = await send(path, { headers, signal: both, onRetry, ...(query && { query }) });
    onConnection?.(true);
    try {
      const silent = () => silence.abort(new Error("the stream is silent"));
      yield* messagesOf(stream, place, hearing({ silent, silenceMs, onConnection }));
    } catch (error) {
      signal?.throwIfAborted();
      if (!silence.signal.aborted && !isLostConnection(error)) throw error;
      onConnection?.(false);
    }
  }
  const detail = `the events of ${path} broke off ${EMPTY_STREAMS} times without a word`;
  throw new ProblemError({ code: "unknown", status: 200, detail });
}

/** What is made of a stream's silence, while somebody waits for it to say something. */
interface Hearing {
  wait(): void;
  heard(): void;
  end(): void;
}

/** @param options.silent is called once nothing was said for `silenceMs` */
function hearing({
  silent,
  silenceMs,
  onConnection,
}: Pick<FollowOptions, "onConnection"> & { silent(): void; silenceMs: number }): Hearing {
  let timers: ReturnType<typeof setTimeout>[] = [];
  let isQuiet = false;
  const tell = (quiet: boolean) => {
    if (isQuiet !== quiet) onConnection?.(!quiet);
    isQuiet = quiet;
  };
  const end = () => {
    for (const timer of timers.splice(0)) clearTimeout(timer);
  };
  const wait = () => {
    end();
    timers = [setTimeout(tell, QUIET_MS, true), setTimeout(silent, silenceMs)];
  };
  return {
    wait,
    heard() {
      tell(false);
      if (timers.length > 0) wait();
    },
    end,
  };
}

async function* messagesOf({ body }: Response, place: Place, silence: Hearing) {
  if (body === null) return;
  const onRetry = (milliseconds: number) => {
    place.reconnectMs = milliseconds;
  };
  const onComment = () => {
    place.isHeard = true;
  };
  const listening = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(piece, stream) {
      silence.heard();
      stream.enqueue(piece);
    },
  });
  const messages = body
    .pipeThrough(listening)
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream({ onRetry, onComment }));
  for await (const message of piecesOf(messages, silence)) {
    place.isHeard = true;
    place.lastEventId = message.id ?? place.lastEventId;
    // What else has no id is no event of the run: it says how things stand, as `queue` does.
    if (message.id !== undefined || message.event === "done") yield message;
  }
}

/** What a stream has, piece by piece: not every browser can iterate over one. */
async function* piecesOf<T>(stream: ReadableStream<T>, silence: Hearing): AsyncGenerator<T, void> {
  const reader = stream.getReader();
  try {
    for (;;) {
      silence.wait();
      const { done, value } = await reader.read();
      silence.end();
      if (done) return;
      yield value;
    }
  } finally {
    silence.end();
    // Of one that broke off there is nothing left to give up.
    await reader.cancel().catch(() => {});
  }
}

/** What `fetch` throws when a connection ends in the middle of a body. */
function isLostConnection(error: unknown): boolean {
  return (error as Error).name === "TypeError";
}
