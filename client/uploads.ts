import type { Send } from "./connection.ts";
import type { Upload } from "./types.ts";

/** A request to another address than the API's. */
type Fetch = typeof fetch;

/**
 * Sends a file to where a run can take it from, and resolves to its id, for `upload` of a request's
 * files. What is sent is held in memory.
 *
 * @throws {ProblemError} what the API refuses; an Error with what the storage refuses
 */
export async function sendUpload(
  { send, fetch: put = fetch }: { send: Send; fetch?: Fetch | undefined },
  content: Uint8Array<ArrayBuffer>,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const body = { sha256, sizeBytes: content.length };
  const announced = await send("/uploads", { method: "POST", isRepeatable: true, body, signal });
  const { id, url, headers } = (await announced.json()) as Upload;
  const answer = await put(url, {
    method: "PUT",
    headers,
    body: content,
    ...(signal && { signal }),
  });
  await answer.arrayBuffer();
  if (answer.ok) return id;
  throw new Error(`the storage refused the upload with ${answer.status}; send it again`);
}
