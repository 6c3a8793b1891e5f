import { GoogleError } from "../wire/status.ts";
import { StorageError } from "./errors.ts";

/** A span of bytes, both ends included. */
export interface ByteSpan {
  start: number;
  end: number;
}

/**
 * The part of a `sizeBytes` long object that a `Range` header asks for; undefined means all of it.
 *
 * A header that is not one span of bytes is ignored, as HTTP wants it.
 *
 * @throws {StorageError} rangeNotSatisfiable if no byte of the object lies in the span
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-14.2
 */
export function parseRange(header: string | undefined, sizeBytes: number): ByteSpan | undefined {
  const [, first = "", last = ""] = /^\s*bytes=\s*(\d*)-(\d*)\s*$/.exec(header ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  if (first !== "" && last !== "" && Number(last) < Number(first)) return undefined;
  const lastByte = sizeBytes - 1;
  const span =
    first === ""
      ? { start: Math.max(0, sizeBytes - Number(last)), end: lastByte }
      : { start: Number(first), end: last === "" ? lastByte : Math.min(Number(last), lastByte) };
  if (span.start >= sizeBytes) {
    throw new StorageError("rangeNotSatisfiable", "Request range not satisfiable", {
      headers: { "content-range": `bytes */${sizeBytes}` },
    });
  }
  return span;
}

/**
 * What a `PUT` to a resumable session carries: nothing (`status`), or data from `start` on. `end`
 * and `totalBytes` are absent where the client wrote `*`: it does not know them yet.
 */
export type ContentRange =
  | { kind: "status"; totalBytes?: number }
  | { kind: "data"; start: number; end?: number; totalBytes?: number };

const CONTENT_RANGE = /^bytes (?:(\*)|(\d{1,15})-(\d{1,15}|\*))\/(\d{1,15}|\*)$/;

/**
 * Reads the `Content-Range` of a `PUT` to a resumable session: `bytes FIRST-LAST/TOTAL`, in which
 * LAST and TOTAL may be `*`, or `bytes *` + `/TOTAL` to ask for the status. Without a header the
 * body is the whole object.
 *
 * @throws {GoogleError} INVALID_ARGUMENT if it is none of these, or its numbers contradict each
 * other
 * @see https://cloud.google.com/storage/docs/performing-resumable-uploads
 */
export function parseContentRange(header: string | undefined): ContentRange {
  if (header === undefined) return { kind: "data", start: 0 };
  const [match, status, first, last, total] = CONTENT_RANGE.exec(header.trim()) ?? [];
  if (match === undefined) throw unreadable(header);
  const totalBytes = total === "*" ? {} : { totalBytes: Number(total) };
  if (status !== undefined) return { kind: "status", ...totalBytes };
  const start = Number(first);
  const end = last === "*" ? undefined : Number(last);
  const limit = totalBytes.totalBytes ?? Number.POSITIVE_INFINITY;
  if (start > limit || (end !== undefined && (end < start || end >= limit)))
    throw unreadable(header);
  return { kind: "data", start, ...(end === undefined ? {} : { end }), ...totalBytes };
}

function unreadable(header: string): GoogleError {
  return new GoogleError("INVALID_ARGUMENT", `Failed to parse Content-Range header: "${header}"`);
}
