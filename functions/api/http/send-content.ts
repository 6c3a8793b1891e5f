import { createHash } from "node:crypto";
import type { Request, Response } from "express";
import type { Output } from "../../../shared/documents/manifest.ts";
import { AppError } from "../../../shared/errors.ts";
import { counted } from "../../../shared/text.ts";
import type { StoredObject, StoredObjects } from "../../services/objects.ts";
import type { Services } from "../../services/services.ts";
import type { Call } from "./call.ts";
import { namesTag } from "./etag.ts";
import { type OpenStream, openStream } from "./open-stream.ts";
import { type Span, spanOf } from "./range.ts";

/**
 * Sends an output's content, or the part that `Range` asks for; 304 if the client has it. What is
 * not as the manifest says never ends well: the connection breaks before its last bytes.
 *
 * @throws {AppError} outputs_expired, not_found if the object is no longer what was uploaded,
 * range_not_satisfiable
 */
export async function sendContent(
  { objects, artifacts, timers }: Services,
  { request, response }: Call,
  { output, runId }: { output: Output; runId: string },
): Promise<void> {
  const object = await objects.find(artifacts.bucketName, output.object);
  if (object === undefined) throw outputsExpired(runId);
  if (object.sizeBytes !== output.sizeBytes) {
    const detail = `${output.name} is no longer there as it was uploaded`;
    throw new AppError("not_found", { detail });
  }
  const etag = `"${output.sha256}"`;
  response.set("ETag", etag);
  if (namesTag(request.headers["if-none-match"], etag)) {
    response.status(304).end();
    return;
  }
  const span = requestedSpan(request, response, output);
  setContentHeaders(response, output, span);
  if (request.method === "HEAD") {
    response.end();
    return;
  }
  const content =
    span === undefined ? verified(objects, object, output.sha256) : objects.read(object, span);
  await sendPieces(openStream(response, timers), response, content);
}

/** What a run has left is there no more: its time is over, or its bucket's. */
export function outputsExpired(runId: string): AppError {
  const detail = `the files that run ${runId} left are no longer kept; its outcome is at /v1/runs/${runId}`;
  return new AppError("outputs_expired", { detail });
}

function requestedSpan(
  request: Request,
  response: Response,
  { name, sizeBytes, sha256 }: Output,
): Span | undefined {
  // With a HEAD, Range has no meaning. If-Range: another content wants all of it.
  const { range, "if-range": expected = `"${sha256}"` } = request.headers;
  if (request.method === "HEAD" || expected !== `"${sha256}"`) return undefined;
  const span = spanOf(range, sizeBytes);
  if (span !== "unsatisfiable") return span;
  response.set("Content-Range", `bytes */${sizeBytes}`);
  const detail = `${name} has ${counted(sizeBytes, "byte")}; ${range} is outside`;
  throw new AppError("range_not_satisfiable", { detail });
}

const MEDIA_TYPE = /^[\w.+-]+\/[\w.+-]+(; charset=[\w-]+)?$/;

/** What an agent has written is hostile: a browser shall keep it, and do nothing with it. */
function setContentHeaders(
  response: Response,
  { name, contentType, sizeBytes }: Output,
  span: Span | undefined,
): void {
  const { start, end } = span ?? { start: 0, end: sizeBytes - 1 };
  if (span !== undefined) {
    response.status(206).set("Content-Range", `bytes ${start}-${end}/${sizeBytes}`);
  }
  response.attachment(name);
  // Past Express, which would give each text a charset.
  const type = MEDIA_TYPE.test(contentType) ? contentType : "application/octet-stream";
  response.setHeader("Content-Type", type);
  response.set({
    "Accept-Ranges": "bytes",
    "Content-Length": String(end - start + 1),
    "Content-Security-Policy": "sandbox; default-src 'none'",
  });
}

/** The whole content, its last piece only once all of it is known to be what the digest says. */
export async function* verified(
  objects: StoredObjects,
  object: StoredObject,
  sha256: string,
): AsyncGenerator<Buffer> {
  const hash = createHash("sha256");
  let held: Buffer | undefined;
  for await (const piece of objects.read(object, { start: 0, end: object.sizeBytes - 1 })) {
    hash.update(piece);
    if (held !== undefined) yield held;
    held = piece;
  }
  if (hash.digest("hex") !== sha256) throw new Error(`${object.name} is not what was uploaded`);
  if (held !== undefined) yield held;
}

async function sendPieces(
  { signal, write }: OpenStream,
  response: Response,
  pieces: AsyncIterable<Buffer>,
): Promise<void> {
  for await (const piece of pieces) {
    await write(piece);
    if (signal.aborted) return;
  }
  response.end();
}
