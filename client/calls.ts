import type { RequestOptions, Send } from "./connection.ts";

export interface CallOptions {
  signal?: AbortSignal | undefined;
}

export interface CreateOptions extends CallOptions {
  /**
   * The same key makes the same run, however often it is sent. Default: a new one for each call.
   */
  idempotencyKey?: string | undefined;
}

/** A filter of a list; its pages are fetched as they are needed. */
export type Filter<T> = Omit<T, "pageToken" | "follow"> & CallOptions;

export async function json<T>(answer: Promise<Response>): Promise<T> {
  return (await (await answer).json()) as T;
}

export const newKey = () => crypto.randomUUID();

export function posted(body: unknown, idempotencyKey: string): RequestOptions {
  const headers = { "idempotency-key": idempotencyKey };
  return { method: "POST", body, headers, isRepeatable: true };
}

/** A change of what was read at a revision: `precondition_failed` if somebody else changed it since. */
export function patched(body: unknown, revision: number): RequestOptions {
  const headers = { "if-match": `"${revision}"` };
  return { method: "PATCH", bodyType: "application/merge-patch+json", headers, body };
}

/** Every item of a list, page by page. */
export async function* pages<T>(
  send: Send,
  path: string,
  { signal, ...filter }: Filter<RequestOptions["query"]>,
): AsyncGenerator<T, void> {
  let pageToken: string | undefined;
  do {
    const query = { ...filter, pageToken };
    const page = await json<{ items: T[]; nextPageToken?: string }>(send(path, { query, signal }));
    yield* page.items;
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
}
