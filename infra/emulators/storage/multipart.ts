import { GoogleError } from "../wire/status.ts";

/** The two parts of a `multipart/related` upload. */
export interface MultipartUpload {
  /** The first part, whole. */
  metadata: Buffer;
  /** The `Content-Type` of the second part, if it has one. */
  mediaType: string | undefined;
  /**
   * The second part as it arrives. Read it to its end: only then is the form of the whole known.
   */
  media: AsyncIterable<Buffer>;
}

/** Part headers and the metadata part are held in memory, up to this many bytes each. */
const MAX_HELD_BYTES = 1024 * 1024;

/**
 * The boundary that a `Content-Type` names.
 *
 * @throws {GoogleError} INVALID_ARGUMENT if it is not `multipart/related` with a boundary
 */
export function boundaryOf(contentType: string | undefined): string {
  const [, quoted, plain] =
    /^multipart\/related\s*;(?:.*;)?\s*boundary=(?:"([^"]{1,70})"|([^\s";]{1,70})(?=[\s;]|$))/i.exec(
      contentType ?? "",
    ) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) {
    throw new GoogleError("INVALID_ARGUMENT", "Bad content type.  Please use multipart.");
  }
  return boundary;
}

/**
 * Takes a `multipart/related` body apart while it arrives; `media` may hold any bytes.
 *
 * @throws {GoogleError} INVALID_ARGUMENT if the body is not two parts and an end boundary; for what
 * follows the metadata part, `media` throws it
 * @see https://cloud.google.com/storage/docs/uploading-objects#multipart-upload
 */
export async function parseMultipart(
  body: AsyncIterable<Buffer>,
  boundary: string,
): Promise<MultipartUpload> {
  const window = startWindow(body);
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  await readUntil(window, delimiter);
  await readPartHeaders(window, 0);
  const metadata = await readUntil(window, delimiter);
  const mediaType = /^content-type:\s*(.+?)\s*$/im.exec(await readPartHeaders(window, 1))?.[1];
  return { metadata, mediaType, media: readMedia(window, delimiter) };
}

/** What has arrived and is not yet used, and how to get more. */
interface Window {
  held: Buffer;
  /** Waits for more bytes; false at the end of the body. */
  grow(): Promise<boolean>;
}

/** Starts with a line break, so that the first delimiter looks like all others. */
function startWindow(body: AsyncIterable<Buffer>): Window {
  const chunks = body[Symbol.asyncIterator]();
  const window: Window = {
    held: Buffer.from("\r\n"),
    async grow() {
      const next = await chunks.next();
      if (next.done !== true) window.held = Buffer.concat([window.held, next.value]);
      return next.done !== true;
    },
  };
  return window;
}

/** The bytes up to `marker`, which is passed over. */
async function readUntil(window: Window, marker: Buffer): Promise<Buffer> {
  for (;;) {
    const index = window.held.indexOf(marker);
    if (index >= 0) {
      const before = window.held.subarray(0, index);
      window.held = window.held.subarray(index + marker.length);
      return before;
    }
    if (window.held.length > MAX_HELD_BYTES) {
      throw new GoogleError("INVALID_ARGUMENT", "Multipart header or metadata part is too large.");
    }
    if (!(await window.grow())) throw missingEnd();
  }
}

/**
 * The header lines after a delimiter; `partsBefore` is for the error if there is no further part.
 */
async function readPartHeaders(window: Window, partsBefore: number): Promise<string> {
  if (await isEnd(window)) {
    throw new GoogleError(
      "INVALID_ARGUMENT",
      `Invalid multipart request with ${partsBefore} mime parts.`,
    );
  }
  const rest = await readUntil(window, Buffer.from("\r\n"));
  if (rest.toString("latin1").trim() !== "") throw missingEnd();
  // A part without headers starts with the empty line at once.
  window.held = Buffer.concat([Buffer.from("\r\n"), window.held]);
  const headers = await readUntil(window, Buffer.from("\r\n\r\n"));
  return headers.toString("utf8");
}

/** Yields all that cannot be the beginning of `delimiter`, and ends at the delimiter. */
async function* readMedia(window: Window, delimiter: Buffer): AsyncGenerator<Buffer> {
  for (;;) {
    const index = window.held.indexOf(delimiter);
    const safe = index >= 0 ? index : Math.max(0, window.held.length - delimiter.length + 1);
    if (safe > 0) yield window.held.subarray(0, safe);
    window.held = window.held.subarray(index >= 0 ? index + delimiter.length : safe);
    if (index >= 0) break;
    if (!(await window.grow())) throw missingEnd();
  }
  if (!(await isEnd(window))) {
    throw new GoogleError("INVALID_ARGUMENT", "Invalid multipart request with 3 mime parts.");
  }
  // The epilogue means nothing, but a body that breaks off in it did break off.
  do window.held = Buffer.alloc(0);
  while (await window.grow());
}

/** Whether the delimiter just passed is the end boundary, which two dashes follow. */
async function isEnd(window: Window): Promise<boolean> {
  while (window.held.length < 2) if (!(await window.grow())) throw missingEnd();
  return window.held.subarray(0, 2).toString("latin1") === "--";
}

function missingEnd(): GoogleError {
  return new GoogleError("INVALID_ARGUMENT", "Missing end boundary in multipart body.");
}
