import { openSync } from "node:fs";
import { parseRange } from "./ranges.ts";
import type { Reply, StorageRequest } from "./request.ts";
import { etagOf } from "./resources.ts";
import { contentPath, type State, type StoredObject } from "./state.ts";

/**
 * Answers with an object's content, or the part of it that the `Range` header asks for.
 *
 * Opens the file at once, so a write that supersedes the object meanwhile does not disturb the
 * reader.
 *
 * @throws {StorageError} rangeNotSatisfiable
 * @see https://cloud.google.com/storage/docs/transcoding for objects stored with `contentEncoding`
 * gzip
 */
export function mediaReply(state: State, object: StoredObject, request: StorageRequest): Reply {
  const headers = objectHeaders(object);
  const gunzip = isTranscoded(object, request);
  const { sizeBytes } = object;
  // Google ignores the range of a transcoded object, since it would count uncompressed bytes.
  const span = gunzip ? undefined : parseRange(request.headers.range, sizeBytes);
  const { start, end } = span ?? { start: 0, end: sizeBytes - 1 };
  if (gunzip) {
    delete headers["content-encoding"];
    headers["warning"] = "214 UploadServer gunzipped";
  } else {
    headers["content-length"] = end - start + 1;
    headers["accept-ranges"] = "bytes";
  }
  if (span !== undefined) headers["content-range"] = `bytes ${start}-${end}/${sizeBytes}`;
  const descriptor = openSync(contentPath(state, object.content), "r");
  return {
    status: span === undefined ? 200 : 206,
    headers,
    file: { descriptor, start, end, gunzip },
  };
}

function isTranscoded(object: StoredObject, request: StorageRequest): boolean {
  return (
    object.fields.contentEncoding === "gzip" &&
    !/\bgzip\b/.test(String(request.headers["accept-encoding"] ?? "")) &&
    !/\bno-transform\b/.test(object.fields.cacheControl ?? "")
  );
}

/** The headers that describe a stored object, with its content or after an XML upload. */
export function objectHeaders(object: StoredObject): Record<string, string | number> {
  const { fields } = object;
  const headers: Record<string, string | number> = {
    "content-type": headerText(fields.contentType ?? "application/octet-stream"),
    etag: etagOf(object),
    "last-modified": new Date(fields.updated).toUTCString(),
    "cache-control": headerText(
      fields.cacheControl ?? "no-cache, no-store, max-age=0, must-revalidate",
    ),
    "x-goog-generation": String(object.generation),
    "x-goog-metageneration": String(object.metageneration),
    "x-goog-hash": hashHeader(object),
    "x-goog-storage-class": headerText(fields.storageClass ?? "STANDARD"),
    "x-goog-stored-content-encoding": headerText(fields.contentEncoding ?? "identity"),
    "x-goog-stored-content-length": String(object.sizeBytes),
  };
  if (fields.contentEncoding) headers["content-encoding"] = headerText(fields.contentEncoding);
  if (fields.contentLanguage) headers["content-language"] = headerText(fields.contentLanguage);
  if (fields.contentDisposition) {
    headers["content-disposition"] = headerText(fields.contentDisposition);
  }
  return headers;
}

function hashHeader(object: StoredObject): string {
  const { crc32c, md5Hash } = object.fields;
  return md5Hash === undefined ? `crc32c=${crc32c}` : `crc32c=${crc32c},md5=${md5Hash}`;
}

/** Header values are bytes: UTF-8 travels as Latin-1 characters. */
export function headerText(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
