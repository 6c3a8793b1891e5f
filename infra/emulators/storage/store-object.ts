import { withContent } from "./content.ts";
import { type Checksums, checkChecksums } from "./digest.ts";
import { StorageError } from "./errors.ts";
import { checkForWrite, type Preconditions } from "./preconditions.ts";
import { checkObjectName } from "./resources.ts";
import {
  commitObject,
  findObject,
  requireBucket,
  type State,
  type StoredObject,
  type WritableFields,
} from "./state.ts";

/** What an upload asks for, apart from the content. */
export interface UploadRequest {
  bucket: string;
  name: string;
  fields: WritableFields;
  preconditions: Preconditions;
  /** What the client says the content's checksums are. */
  declared: Partial<Checksums>;
  /** The sizes that are accepted; default: any. */
  minBytes?: number;
  maxBytes?: number;
}

/** A complete content file, and the resumable session it came by, if any. */
export interface UploadedContent {
  content: string;
  sizeBytes: number;
  checksums: Checksums;
  uploadId?: string;
}

/**
 * Refuses early what could not be committed later anyway.
 *
 * @throws {StorageError} noSuchBucket, conditionNotMet
 * @throws {GoogleError} INVALID_ARGUMENT for the name
 */
export function checkUpload(state: State, upload: UploadRequest): void {
  checkObjectName(upload.name);
  requireBucket(state, upload.bucket);
  checkForWrite(upload.preconditions, findObject(state, upload.bucket, upload.name));
}

/**
 * Streams `source` to disk and makes it the live object, if it is what the client declared and the
 * preconditions hold.
 *
 * @throws {StorageError} noSuchBucket, conditionNotMet, badDigest, tooLarge, tooSmall; then nothing
 * is stored
 */
export async function storeObject(
  state: State,
  upload: UploadRequest,
  source: AsyncIterable<Buffer>,
): Promise<StoredObject> {
  checkUpload(state, upload);
  return withContent(state, capped(source, upload), (stored) =>
    commitUpload(state, upload, stored),
  );
}

/** Makes a complete content the live object; refuses as {@link storeObject} does. */
export function commitUpload(
  state: State,
  upload: UploadRequest,
  uploaded: UploadedContent,
): StoredObject {
  const { checksums, ...content } = uploaded;
  const { bucket, name, minBytes = 0 } = upload;
  checkSize(upload, content.sizeBytes);
  if (content.sizeBytes < minBytes) {
    throw new StorageError(
      "tooSmall",
      "Your proposed upload is smaller than the minimum object size specified in your Policy Document.",
    );
  }
  checkChecksums(upload.declared, checksums);
  const fields = { contentType: "application/octet-stream", ...upload.fields, ...checksums };
  return commitObject(state, { bucket, name, ...content, fields }, upload.preconditions);
}

/** @throws {StorageError} tooLarge if `sizeBytes` is more than the upload may have */
export function checkSize(upload: UploadRequest, sizeBytes: number): void {
  if (sizeBytes > (upload.maxBytes ?? Number.POSITIVE_INFINITY)) {
    throw new StorageError(
      "tooLarge",
      "Your proposed upload is larger than the maximum object size specified in your Policy Document.",
    );
  }
}

async function* capped(
  source: AsyncIterable<Buffer>,
  upload: UploadRequest,
): AsyncGenerator<Buffer> {
  let sizeBytes = 0;
  for await (const chunk of source) {
    sizeBytes += chunk.length;
    checkSize(upload, sizeBytes);
    yield chunk;
  }
}
