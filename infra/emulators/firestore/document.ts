import { loadProtos } from "../wire/grpc-server.ts";
import { type DocumentName, nameKey, parseDocumentName } from "./document-name.ts";
import { type FieldPath, NAME_PATH, parseFieldPath, project, valueAt } from "./field-path.ts";
import type { DocumentMask, DocumentMessage, Fields } from "./messages.ts";
import { nameOrderKey, orderKey } from "./order-key.ts";
import { toTimestamp } from "./timestamp.ts";

/** Google's definition of Firestore's messages and services. */
export const PROTOS = loadProtos("@google-cloud/firestore/build/protos/v1.json");

/** A document as it is kept: its fields encoded, decoded when somebody looks. */
export interface StoredDocument {
  name: DocumentName;
  /** {@link nameKey} of its name. */
  key: string;
  /** A `google.firestore.v1.Document` that has `fields` only. */
  encoded: Uint8Array;
  createdAt: number;
  updatedAt: number;
  /** Made on demand from `encoded`. */
  fields?: Fields;
  /** Order keys by the path's text, made on demand; undefined where there is no value. */
  orderKeys?: Map<string, Buffer | undefined>;
}

interface MessageCodec {
  serialize(message: object): Buffer;
  deserialize(bytes: Buffer): object;
}

const codec = PROTOS["google.firestore.v1.Document"] as unknown as MessageCodec;

/** A new version of a document from its checked fields. */
export function makeDocument(
  name: DocumentName,
  fields: Fields,
  times: { createdAt: number; updatedAt: number },
): StoredDocument {
  return { name, key: nameKey(name.name), encoded: codec.serialize({ fields }), fields, ...times };
}

/** A row of the table of documents. */
export interface DocumentRow {
  id: number;
  name: string;
  key: string;
  fields: Uint8Array;
  created: number;
  updated: number;
}

/** The document in a row. */
export function fromRow(row: DocumentRow): StoredDocument {
  return {
    name: parseDocumentName(row.name),
    key: row.key,
    encoded: row.fields,
    createdAt: row.created,
    updatedAt: row.updated,
  };
}

/** The document's fields; not to be changed. */
export function fieldsOf(document: StoredDocument): Fields {
  document.fields ??= decode(document.encoded);
  return document.fields;
}

function decode(encoded: Uint8Array): Fields {
  const bytes = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  return (codec.deserialize(bytes) as DocumentMessage).fields ?? {};
}

/** The document as a `google.firestore.v1.Document`. */
export const encodedMessage = (document: StoredDocument): Buffer =>
  codec.serialize(toMessage(document));

/** The order key of the value at the path, `__name__` included; undefined if there is none. */
export function orderKeyAt(document: StoredDocument, path: string): Buffer | undefined {
  document.orderKeys ??= new Map();
  const known = document.orderKeys.get(path);
  if (known || document.orderKeys.has(path)) return known;
  const key = computeOrderKey(document, path);
  document.orderKeys.set(path, key);
  return key;
}

function computeOrderKey(document: StoredDocument, path: string): Buffer | undefined {
  if (path === NAME_PATH) return nameOrderKey(document.name.name);
  const value = valueAt(fieldsOf(document), parseFieldPath(path));
  return value && orderKey(value);
}

/** The document for the wire; `paths` limits it to these fields. */
export function toMessage(document: StoredDocument, paths?: readonly FieldPath[]): DocumentMessage {
  const fields = fieldsOf(document);
  return {
    name: document.name.name,
    fields: paths ? project(fields, paths) : fields,
    createTime: toTimestamp(document.createdAt),
    updateTime: toTimestamp(document.updatedAt),
  };
}

/**
 * The paths of a mask; undefined when there is none.
 *
 * @throws {GoogleError} INVALID_ARGUMENT for a path that is none.
 */
export function maskPaths(mask: DocumentMask | undefined): FieldPath[] | undefined {
  if (!mask) return undefined;
  return (mask.fieldPaths ?? []).filter((path) => path !== NAME_PATH).map(parseFieldPath);
}
