import type { Client } from "../../client/client.ts";
import { waitFor } from "../../client/connection.ts";
import { ProblemError } from "../../client/problem-error.ts";
import type { Run } from "../../client/types.ts";
import { Failure } from "../failure.ts";
import { askWhetherThere } from "./answering.ts";
import { isUnanswered } from "./unanswered.ts";
import type { Update } from "./view.ts";

/** How often a run is looked at beside its events, which do not tell its place in line. */
const LOOK_EVERY_MS = 1500;
/** A document that was read within this says in which turn an event happened. */
const FRESH_MS = 300;
/** A server that does not answer within this is told as lost. */
const PATIENCE_MS = 3000;
/** Wait before a lost server is asked again: at first, and at most. */
const RETRY_MS = 500;
const LONGEST_RETRY_MS = 5000;

export interface FollowOptions {
  /** Gives a client each time the connection is made anew: a local server may be back elsewhere. */
  open(): Client;
  onUpdate(update: Update): void;
  signal: AbortSignal;
  /** What is known of the run already, by who has just sent it. */
  known?: Run | undefined;
}

/**
 * Follows a run until it is over, however often the server is lost meanwhile, and resolves to its
 * document.
 *
 * @throws {ProblemError} what the API refuses, as a run that is not there; {Failure} if there is no
 * server
 *   from the beginning; the signal's reason if it aborts
 */
export async function followRun(id: string, options: FollowOptions): Promise<Run> {
  const { onUpdate, signal, known } = options;
  if (known !== undefined) onUpdate({ type: "run", run: known });
  const place: Place = {
    after: undefined,
    wasThere: known !== undefined,
    isLost: false,
    lookedAtMs: Number.NEGATIVE_INFINITY,
    since: known?.updatedAt,
  };
  for (let delayMs = RETRY_MS; ; ) {
    const startedAtMs = performance.now();
    try {
      const run = await followOnce(id, place, options);
      if (run.done) return run;
      await waitFor(RETRY_MS, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!place.wasThere || !mayPass(error)) throw error;
      tellLost(place, error, onUpdate);
      if (performance.now() - startedAtMs > LONGEST_RETRY_MS) delayMs = RETRY_MS;
      await waitFor(delayMs, signal);
      delayMs = Math.min(delayMs * 2, LONGEST_RETRY_MS);
    }
  }
}

interface Place {
  /** The last event that was seen. */
  after: string | undefined;
  /** Whether the server has answered yet. */
  wasThere: boolean;
  isLost: boolean;
  lookedAtMs: number;
  /** Of when the run was first seen: what happened before is in its document. */
  since: string | undefined;
}

/** One connection: resolves to the run as it is when its events are over. */
async function followOnce(id: string, place: Place, options: FollowOptions): Promise<Run> {
  const { onUpdate, signal } = options;
  const client = options.open();
  // Whatever ends the events ends the looking too, and what it has under way.
  using stopped = stoppable(signal);
  const look = watcher(client, id, { ...options, place, signal: stopped.signal });
  const run = await look();
  if (run.done) return run;
  const timer = setInterval(() => void look().catch(() => {}), LOOK_EVERY_MS);
  using _asking = askWhetherThere(client, {
    // It may be there and have no database: what it says of the run tells that it is back.
    answered() {},
    silent: (error) => tellLost(place, error, onUpdate),
  });
  try {
    for await (const event of client.follow(id, { after: place.after, signal: stopped.signal })) {
      place.after = event.id;
      tellBack(place, onUpdate);
      if (place.since !== undefined && event.at <= place.since) continue;
      if (performance.now() - place.lookedAtMs > FRESH_MS) await look().catch(() => {});
      onUpdate({ type: "event", event });
    }
  } catch (error) {
    // Events are kept for a while only; the run itself says how it ends.
    if (!(error instanceof ProblemError && error.code === "events_expired")) throw error;
  } finally {
    clearInterval(timer);
  }
  // Awaited here: at its end the looking is stopped.
  return await look();
}

function stoppable(parent: AbortSignal): Disposable & { signal: AbortSignal } {
  const controller = new AbortController();
  return {
    signal: AbortSignal.any([parent, controller.signal]),
    [Symbol.dispose]: () => controller.abort(new Error("the run is not looked at any longer")),
  };
}

/** Reads the run, one request at a time, and tells what is new of it or that nobody answers. */
function watcher(
  client: Client,
  id: string,
  { onUpdate, signal, place }: FollowOptions & { place: Place },
): () => Promise<Run> {
  let current: Promise<Run> | undefined;
  const look = async () => {
    const patience = AbortSignal.timeout(PATIENCE_MS);
    try {
      const run = await client.runs.get(id, { signal: AbortSignal.any([signal, patience]) });
      place.wasThere = true;
      place.lookedAtMs = performance.now();
      place.since ??= run.updatedAt;
      tellBack(place, onUpdate);
      onUpdate({ type: "run", run });
      return run;
    } catch (error) {
      if (!signal.aborted && place.wasThere && mayPass(error)) tellLost(place, error, onUpdate);
      throw error;
    }
  };
  return () => {
    current ??= look().finally(() => {
      current = undefined;
    });
    return current;
  };
}

function tellLost(place: Place, error: unknown, onUpdate: FollowOptions["onUpdate"]): void {
  if (place.isLost) return;
  place.isLost = true;
  onUpdate({ type: "lost", why: whyLost(error) });
}

function tellBack(place: Place, onUpdate: FollowOptions["onUpdate"]): void {
  if (!place.isLost) return;
  place.isLost = false;
  onUpdate({ type: "back" });
}

/** Whether an error says that the server, or the way to it, may be there again later. */
export function mayPass(error: unknown): boolean {
  if (error instanceof ProblemError)
    return error.status >= 500 || error.status === 429 || isStream(error);
  return error instanceof Failure || isUnanswered(error);
}

/** A stream of events that ended again and again without a word. */
const isStream = ({ code, status }: ProblemError): boolean => code === "unknown" && status === 200;

/** What went wrong with a connection, in a few words. */
export function whyLost(error: unknown): string {
  if (error instanceof ProblemError) return error.detail;
  if (error instanceof Failure) return error.message;
  if ((error as Error).name === "TimeoutError") return "it takes connections and does not answer";
  const { code, message } = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
  const words: Record<string, string> = {
    ECONNREFUSED: "nobody takes connections there",
    ENOTFOUND: "there is no host of this name",
    ECONNRESET: "the connection was lost",
    UND_ERR_SOCKET: "the connection was lost",
    ETIMEDOUT: "nobody answers there",
    UND_ERR_CONNECT_TIMEOUT: "nobody answers there",
    EHOSTUNREACH: "there is no way to it",
    ENETUNREACH: "there is no network",
    EAI_AGAIN: "names of hosts cannot be looked up now",
  };
  return words[code ?? ""] ?? message;
}
