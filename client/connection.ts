import { ProblemError, problemOf } from "./problem-error.ts";

/** How a client reaches the API. */
export interface ConnectionOptions {
  /** The API's address with its version: `http://127.0.0.1:8080/v1`. */
  url: string;
  key: string;
  /** How often a request that may be repeated is sent again after a failure. Default: 4. */
  retries?: number;
  /** Wait before the first repetition in milliseconds, doubled each time. Default: 500. */
  retryDelayMs?: number;
  /** Default: the platform's own. */
  fetch?: typeof fetch;
}

/** One request, as the methods of the client make it. */
export interface RequestOptions {
  method?: "GET" | "POST" | "PATCH" | "DELETE";
  query?: Readonly<Record<string, string | number | undefined>>;
  headers?: Readonly<Record<string, string | undefined>>;
  /** Sent as JSON. */
  body?: unknown;
  /** Default: application/json. */
  bodyType?: string;
  signal?: AbortSignal | undefined;
  /** Whether it may be sent twice without being done twice. Default: true for GET and DELETE. */
  isRepeatable?: boolean;
  /** Is told of each failure after which it is sent again. */
  onRetry?: (() => void) | undefined;
}

/**
 * Sends a request, again if need be, and resolves to its answer if that is a success.
 *
 * @throws {ProblemError} what the API refuses; the platform's own error if it cannot be reached
 */
export type Send = (path: string, options?: RequestOptions) => Promise<Response>;

const DEFAULT_RETRIES = 4;
const DEFAULT_DELAY_MS = 500;
/** Who is told to come back later than this is told so at once. */
const LONGEST_WAIT_MS = 60_000;
/** Answers to what was not done, or may be repeated: too many requests, and unavailable. */
const RETRIED = [429, 503];

export function connect(options: ConnectionOptions): Send {
  const { retries = DEFAULT_RETRIES, retryDelayMs = DEFAULT_DELAY_MS } = options;
  return async (path, request = {}) => {
    const { method = "GET", signal } = request;
    const { isRepeatable = method === "GET" || method === "DELETE" } = request;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await sendOnce(options, path, request);
      } catch (error) {
        signal?.throwIfAborted();
        const delay = delayOf(error, retryDelayMs * 2 ** attempt);
        if (!isRepeatable || attempt >= retries || delay > LONGEST_WAIT_MS) throw error;
        request.onRetry?.();
        await waitFor(delay, signal);
      }
    }
  };
}

async function sendOnce(
  { url, key, fetch: send = fetch }: ConnectionOptions,
  path: string,
  {
    method = "GET",
    query = {},
    headers,
    body,
    bodyType = "application/json",
    signal,
  }: RequestOptions,
): Promise<Response> {
  const address = new URL(`${url.replace(/\/$/, "")}${path}`);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) address.searchParams.set(name, String(value));
  }
  const given = Object.entries({
    ...headers,
    authorization: `Bearer ${key}`,
    "content-type": body === undefined ? undefined : bodyType,
  });
  const response = await send(address, {
    method,
    headers: given.filter((entry): entry is [string, string] => entry[1] !== undefined),
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  });
  if (response.ok || response.status === 304) return response;
  throw await problemOf(response);
}

/** Milliseconds after which to send again; infinite: never. */
function delayOf(error: unknown, ownMs: number): number {
  // Half of it at random, so that those who failed together do not come back together.
  const delay = ownMs * (0.5 + Math.random() / 2);
  if (!(error instanceof ProblemError)) return delay;
  if (!RETRIED.includes(error.status)) return Number.POSITIVE_INFINITY;
  return error.retryAfterSeconds === undefined ? delay : error.retryAfterSeconds * 1000;
}

/** @throws the signal's reason if it aborts meanwhile */
export function waitFor(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
