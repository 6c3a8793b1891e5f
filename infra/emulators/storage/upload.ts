import { randomBytes } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { prepared, writing } from "../wire/database.ts";
import { asDiskFull, DiskFull } from "../wire/disk.ts";
import { GoogleError, type GoogleStatus } from "../wire/status.ts";
import { declaredChecksums, digestFile } from "./digest.ts";
import { type RefusalName, StorageError } from "./errors.ts";
import { type ContentRange, parseContentRange } from "./ranges.ts";
import type { StorageRequest } from "./request.ts";
import {
  contentPath,
  newContentName,
  removeUnreferenced,
  type State,
  type StoredObject,
} from "./state.ts";
import { checkSize, commitUpload, type UploadRequest } from "./store-object.ts";

/** Google keeps what arrived of an unfinished upload in multiples of this many bytes. */
const QUANTUM_BYTES = 256 * 1024;

/** A session that is not finished by then answers 410. */
const SESSION_LIFETIME_MS = 7 * 24 * 3600 * 1000;

/**
 * A resumable session.
 *
 * - `open`: its content file holds what has arrived; the file's size is the only record of how
 *   much, so that a killed process forgets nothing. Starts here; a `PUT` with the last byte leaves
 *   it.
 * - `done`: the object was committed, in the same transaction; `outcome` is the object. A repeated
 *   `PUT` gets the same answer.
 * - `refused`: the content was not what had been declared, or a precondition did not hold;
 *   `outcome` is the error, which a repeated `PUT` gets again. The file is gone.
 * - `cancelled`: by the client's `DELETE`. The file is gone.
 */
interface UploadSession {
  id: string;
  state: "open" | "done" | "refused" | "cancelled";
  content: string;
  request: UploadRequest;
  outcome: string | null;
  createdAtMs: number;
}

/** How an upload stands: the object if it is complete, else how many bytes are safe. */
export type Progress = { object: StoredObject } | { persistedBytes: number };

/** Opens a session and returns its id. */
export function openUpload(state: State, request: UploadRequest): string {
  const id = randomBytes(24).toString("base64url");
  const content = newContentName();
  writing(state.database, () => {
    closeSync(openSync(contentPath(state, content), "a"));
    prepared(state.database, "INSERT INTO uploads VALUES (?, 'open', ?, ?, NULL, ?)").run(
      id,
      content,
      JSON.stringify(request),
      state.clock.now(),
    );
  });
  return id;
}

/** Takes a session and its content back; one that is over stays as it is. */
export async function cancelUpload(state: State, id: string): Promise<void> {
  const { content, state: before } = requireUpload(state, id);
  if (before === "open") endSession(state, { id, content }, { state: "cancelled" });
}

/**
 * Takes in the request's body, or only tells how the upload stands.
 *
 * @throws {StorageError} uploadOffset if the request leaves a gap; uploadCancelled; uploadExpired;
 * and whatever the commit refuses
 * @throws {DiskFull} then the session is open and goes on when there is room
 * @throws {GoogleError} NOT_FOUND for an unknown session; INVALID_ARGUMENT for contradicting
 * lengths
 */
export async function advanceUpload(
  state: State,
  id: string,
  request: StorageRequest,
): Promise<Progress> {
  const range = parseContentRange(request.headers["content-range"]);
  const session = requireUpload(state, id);
  if (session.state !== "open") return settledProgress(session);
  await using file = await open(contentPath(state, session.content), "r+");
  const persistedBytes = await keepWholeQuanta(file);
  const { receivedBytes, isComplete } = await takeIn(file, request.body, {
    range,
    persistedBytes,
    upload: session.request,
  }).catch((error: unknown) => {
    // The session stays open, with what did find room.
    throw asDiskFull(error, state.contentDirectory) ?? error;
  });
  if (!isComplete) return { persistedBytes: await keepWholeQuanta(file) };
  return { object: await finish(state, session, { request, sizeBytes: receivedBytes }) };
}

function requireUpload(state: State, id: string): UploadSession {
  const row = prepared(state.database, "SELECT * FROM uploads WHERE id = ?").get(id);
  if (row === undefined) throw new GoogleError("NOT_FOUND", `No such upload: "${id}"`);
  const session = row as unknown as UploadSession & { request: string };
  if (state.clock.now() > session.createdAtMs + SESSION_LIFETIME_MS && session.state === "open") {
    throw new StorageError("uploadExpired", "The resumable upload session has expired.");
  }
  return { ...session, request: JSON.parse(session.request) };
}

function settledProgress(session: UploadSession): Progress {
  if (session.state === "cancelled") {
    throw new StorageError("uploadCancelled", "The resumable upload session was cancelled.");
  }
  const outcome = JSON.parse(session.outcome as string);
  if (session.state === "refused") throw fromRecord(outcome);
  return { object: outcome };
}

async function keepWholeQuanta(file: FileHandle): Promise<number> {
  const { size } = await file.stat();
  const kept = size - (size % QUANTUM_BYTES);
  if (kept !== size) await file.truncate(kept);
  return kept;
}

interface Intake {
  range: ContentRange;
  persistedBytes: number;
  upload: UploadRequest;
}

async function takeIn(
  file: FileHandle,
  body: AsyncIterable<Buffer>,
  intake: Intake,
): Promise<{ receivedBytes: number; isComplete: boolean }> {
  const { range, persistedBytes } = intake;
  if (range.kind === "status") {
    return { receivedBytes: persistedBytes, isComplete: range.totalBytes === persistedBytes };
  }
  if (range.start > persistedBytes) {
    throw new StorageError(
      "uploadOffset",
      `Invalid request.  According to the Content-Range header, the upload offset is ${range.start} byte(s), which exceeds already uploaded size of ${persistedBytes} byte(s).`,
    );
  }
  const limit = range.end === undefined ? range.totalBytes : range.end + 1;
  const receivedBytes = await append(file, body, { ...intake, start: range.start, limit });
  checkLength(range, receivedBytes);
  const totalBytes = range.totalBytes ?? (range.end === undefined ? receivedBytes : undefined);
  const isComplete = receivedBytes === totalBytes;
  if (isComplete && receivedBytes < persistedBytes) {
    throw new GoogleError(
      "INVALID_ARGUMENT",
      `Invalid request.  According to the Content-Range header, the upload size is ${receivedBytes} byte(s), which is less than the already uploaded size of ${persistedBytes} byte(s).`,
    );
  }
  return { receivedBytes, isComplete };
}

/**
 * Refuses a body that is longer than its `Content-Range` says, or shorter where that names its last
 * byte.
 */
function checkLength(range: ContentRange & { kind: "data" }, receivedBytes: number): void {
  const { start, end, totalBytes } = range;
  const expected = end === undefined ? totalBytes : end + 1;
  if (expected === undefined || receivedBytes === expected) return;
  if (end === undefined && receivedBytes < expected) return;
  throw new GoogleError(
    "INVALID_ARGUMENT",
    `Invalid request.  There were ${receivedBytes - start} byte(s) in the request body.  There should have been ${expected - start} byte(s) (starting at offset ${start} and ending at offset ${expected - 1}) according to the Content-Range header.`,
  );
}

/**
 * Writes what of `body` lies behind the persisted bytes and before `limit`; returns where the body
 * ended. Bytes that are already there are passed over: a client that lost an answer sends them
 * again.
 */
async function append(
  file: FileHandle,
  body: AsyncIterable<Buffer>,
  intake: Intake & { start: number; limit: number | undefined },
): Promise<number> {
  const { persistedBytes, limit = Number.POSITIVE_INFINITY } = intake;
  let position = intake.start;
  for await (const chunk of body) {
    checkSize(intake.upload, position + chunk.length);
    const from = Math.max(0, persistedBytes - position);
    const fresh = chunk.subarray(from, Math.max(from, limit - position));
    if (fresh.length > 0) await writeAll(file, fresh, position + from);
    position += chunk.length;
  }
  return position;
}

async function writeAll(file: FileHandle, data: Buffer, position: number): Promise<void> {
  for (let written = 0; written < data.length; ) {
    const rest = data.length - written;
    written += (await file.write(data, written, rest, position + written)).bytesWritten;
  }
}

async function finish(
  state: State,
  session: UploadSession,
  last: { request: StorageRequest; sizeBytes: number },
): Promise<StoredObject> {
  const { id, content } = session;
  const checksums = await digestFile(contentPath(state, content));
  const declared = { ...session.request.declared, ...declaredChecksums(last.request.headers) };
  const { sizeBytes } = last;
  try {
    const upload = { ...session.request, declared };
    return commitUpload(state, upload, { content, sizeBytes, checksums, uploadId: id });
  } catch (error) {
    const outcome = toRecord(error);
    if (outcome !== undefined) endSession(state, { id, content }, { state: "refused", outcome });
    throw error;
  }
}

function endSession(
  state: State,
  session: { id: string; content: string },
  end: { state: "refused" | "cancelled"; outcome?: RefusalRecord },
): void {
  writing(state.database, () => {
    prepared(state.database, "UPDATE uploads SET state = ?, outcome = ? WHERE id = ?").run(
      end.state,
      JSON.stringify(end.outcome ?? null),
      session.id,
    );
  });
  removeUnreferenced(state, session.content);
}

/** A refusal as it is stored. */
type RefusalRecord =
  | { refusal: RefusalName; message: string }
  | { status: GoogleStatus; message: string };

function toRecord(error: unknown): RefusalRecord | undefined {
  if (error instanceof DiskFull) return undefined;
  if (error instanceof StorageError) return { refusal: error.refusal, message: error.message };
  if (error instanceof GoogleError) return { status: error.status, message: error.message };
  return undefined;
}

function fromRecord(record: RefusalRecord): Error {
  return "refusal" in record
    ? new StorageError(record.refusal, record.message)
    : new GoogleError(record.status, record.message);
}
