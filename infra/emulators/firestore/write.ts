import { GoogleError } from "../wire/status.ts";
import { fieldsOf, makeDocument, maskPaths, type StoredDocument } from "./document.ts";
import { checkedFields, checkSize } from "./document-fields.ts";
import { type DocumentName, parseDocumentName } from "./document-name.ts";
import { type FieldPath, valueAt, withValueAt } from "./field-path.ts";
import type { Fields, FieldTransform, Precondition, Value, Write } from "./messages.ts";
import { toMicros } from "./timestamp.ts";
import { applyTransforms } from "./transform.ts";

/** A write, checked as far as that goes without the document it applies to. */
export interface ParsedWrite {
  name: DocumentName;
  /** Undefined for a delete. */
  update?: { fields: Fields; mask: FieldPath[] | undefined; transforms: FieldTransform[] };
  precondition: Precondition | undefined;
}

/** What a write makes of a document. */
export interface WriteOutcome {
  /** Undefined when it is deleted. */
  after: StoredDocument | undefined;
  transformResults: Value[];
}

/** @throws {GoogleError} INVALID_ARGUMENT if the write is malformed. */
export function parseWrite(write: Write): ParsedWrite {
  if (write.delete !== undefined) {
    return { name: parseDocumentName(write.delete), precondition: write.currentDocument };
  }
  if (write.transform) {
    const transforms = write.transform.fieldTransforms ?? [];
    const name = parseDocumentName(write.transform.document);
    const update = { fields: {}, mask: [], transforms };
    return { name, update, precondition: write.currentDocument };
  }
  if (!write.update) throw new GoogleError("INVALID_ARGUMENT", "A write has no operation.");
  const update = {
    fields: checkedFields(write.update.fields ?? {}),
    mask: maskPaths(write.updateMask),
    transforms: write.updateTransforms ?? [],
  };
  return {
    name: parseDocumentName(write.update.name),
    update,
    precondition: write.currentDocument,
  };
}

/**
 * Applies one write to the document that is there.
 *
 * @param at The commit's time in microseconds.
 * @throws {GoogleError} NOT_FOUND, ALREADY_EXISTS or FAILED_PRECONDITION if the precondition does
 * not
 *   hold; INVALID_ARGUMENT if the result is no document.
 */
export function applyWrite(
  write: ParsedWrite,
  before: StoredDocument | undefined,
  at: number,
): WriteOutcome {
  checkPrecondition(write, before);
  if (!write.update) return { after: undefined, transformResults: [] };
  const { transforms } = write.update;
  const merged = mergedFields(write.update, before);
  const { fields, results } = applyTransforms(merged, transforms, at);
  // What the mask and the transforms did inside maps may have changed order, depth and size.
  const kept = write.update.mask || transforms.length > 0 ? checkedFields(fields) : fields;
  checkSize(write.name.name, kept);
  const times = { createdAt: before?.createdAt ?? at, updatedAt: at };
  const after = makeDocument(write.name, kept, times);
  if (before && Buffer.compare(before.encoded, after.encoded) === 0) {
    after.updatedAt = before.updatedAt;
  }
  return { after, transformResults: results };
}

function mergedFields(
  update: NonNullable<ParsedWrite["update"]>,
  before: StoredDocument | undefined,
): Fields {
  if (!update.mask) return update.fields;
  let fields = before ? fieldsOf(before) : {};
  for (const path of update.mask) {
    fields = withValueAt(fields, path, valueAt(update.fields, path));
  }
  return fields;
}

/** @throws {GoogleError} NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION */
export function checkPrecondition(
  write: ParsedWrite,
  before: Pick<StoredDocument, "updatedAt"> | undefined,
): void {
  const { precondition, name } = write;
  if (precondition?.exists === true && !before) {
    const verb = write.update ? "update" : "delete";
    throw new GoogleError("NOT_FOUND", `No document to ${verb}: ${name.name}`);
  }
  if (precondition?.exists === false && before) {
    throw new GoogleError("ALREADY_EXISTS", `Document already exists: ${name.name}`);
  }
  if (!precondition?.updateTime) return;
  const required = toMicros(precondition.updateTime);
  const stored = before?.updatedAt ?? 0;
  if (stored !== required) {
    throw new GoogleError(
      "FAILED_PRECONDITION",
      `the stored version (${stored}) does not match the required base version (${required})`,
    );
  }
}
