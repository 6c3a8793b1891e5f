import { GoogleError } from "../wire/status.ts";
import type { StoredObject, WritableFields } from "./state.ts";

/** The largest sum of custom metadata's keys and values, in bytes of UTF-8. */
const MAX_METADATA_BYTES = 8 * 1024;

/** The longest object name, in bytes of UTF-8. */
const MAX_NAME_BYTES = 1024;

const TEXT_FIELDS = [
  "contentType",
  "contentEncoding",
  "contentDisposition",
  "contentLanguage",
  "cacheControl",
  "customTime",
  "storageClass",
] as const;

/**
 * An object's resource in the JSON API; int64 values are strings.
 *
 * `baseUrl` is the address that the client used, for the resource's own links.
 *
 * Differs: access and retention fields are never shown, whatever `projection` asks for.
 *
 * @see https://cloud.google.com/storage/docs/json_api/v1/objects#resource
 */
export function toObjectResource(object: StoredObject, baseUrl: string): object {
  const { bucket, name, fields } = object;
  const generation = String(object.generation);
  const path = `b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(name)}`;
  return {
    kind: "storage#object",
    id: `${bucket}/${name}/${generation}`,
    selfLink: `${baseUrl}/storage/v1/${path}`,
    mediaLink: `${baseUrl}/download/storage/v1/${path}?generation=${generation}&alt=media`,
    name,
    bucket,
    generation,
    metageneration: String(object.metageneration),
    size: String(object.sizeBytes),
    ...fields,
    timeStorageClassUpdated: fields.timeCreated,
    timeFinalized: fields.timeCreated,
    etag: etagOf(object),
  };
}

/**
 * Google's entity tag: base64 of a message whose fields 1 and 2 are generation and metageneration.
 */
export function etagOf(object: { generation: number; metageneration: number }): string {
  const bytes = [0x08, ...varint(object.generation), 0x10, ...varint(object.metageneration)];
  return Buffer.from(bytes).toString("base64");
}

function varint(value: number): number[] {
  const bytes = [];
  let rest = BigInt(value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return bytes;
}

/** A request's JSON body as an object; an empty body is an empty object. */
export function parseJsonObject(body: Buffer): Record<string, unknown> {
  if (body.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (cause) {
    throw parseError(cause);
  }
  if (!isRecord(value)) throw parseError(undefined);
  return value;
}

function parseError(cause: unknown): GoogleError {
  return new GoogleError("INVALID_ARGUMENT", "Parse Error", { cause });
}

/** Whether `value` is an object that is not an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The fields of a new object that the client's resource sets. What no client may set is ignored.
 *
 * @throws {GoogleError} INVALID_ARGUMENT if a field has the wrong type or custom metadata is too
 * large
 */
export function writableFields(resource: Record<string, unknown>): WritableFields {
  return patchFields({}, resource);
}

/**
 * `fields` with the changes of a patch: null takes a field away, `metadata` is merged key by key.
 *
 * @throws {GoogleError} INVALID_ARGUMENT as {@link writableFields}
 */
export function patchFields<T extends WritableFields>(
  fields: T,
  patch: Record<string, unknown>,
): T {
  const patched: T = { ...fields };
  for (const name of TEXT_FIELDS) {
    const value = patch[name];
    if (value === null) delete patched[name];
    else if (typeof value === "string") patched[name] = checkedText(name, value);
    else if (value !== undefined) throw invalidField(name, value);
  }
  if (patch["metadata"] === null) delete patched.metadata;
  else if (patch["metadata"] !== undefined) {
    patched.metadata = patchMetadata(patched.metadata ?? {}, patch["metadata"]);
  }
  return patched;
}

/** Field values become response headers: what no header can hold is refused here. */
function checkedText(name: string, value: string): string {
  if (/[^\t\x20-\x7e\x80-\u{10ffff}]/u.test(value)) throw invalidField(name, value);
  return value;
}

function patchMetadata(current: Record<string, string>, patch: unknown): Record<string, string> {
  if (!isRecord(patch)) throw invalidField("metadata", patch);
  const metadata = new Map(Object.entries(current));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) metadata.delete(key);
    else if (typeof value === "string") metadata.set(key, value);
    else throw invalidField(`metadata.${key}`, value);
  }
  let sizeBytes = 0;
  for (const [key, value] of metadata)
    sizeBytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  if (sizeBytes > MAX_METADATA_BYTES) {
    throw new GoogleError(
      "INVALID_ARGUMENT",
      `Custom metadata has ${sizeBytes} bytes; at most ${MAX_METADATA_BYTES} are allowed.`,
    );
  }
  return Object.fromEntries(metadata);
}

function invalidField(name: string, value: unknown): GoogleError {
  const shown = JSON.stringify(value)?.slice(0, 100);
  return new GoogleError("INVALID_ARGUMENT", `Invalid value for field ${name}: ${shown}`);
}

/**
 * Refuses what cannot name an object: nothing, more than 1024 bytes, line breaks, `.` and `..`.
 *
 * @throws {GoogleError} INVALID_ARGUMENT
 * @see https://cloud.google.com/storage/docs/objects#naming
 */
export function checkObjectName(name: string): void {
  if (name === "") throw new GoogleError("INVALID_ARGUMENT", "Required parameter: name");
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
    throw new GoogleError(
      "INVALID_ARGUMENT",
      `The specified object name is longer than ${MAX_NAME_BYTES} bytes.`,
    );
  }
  if (/[\r\n\0]/.test(name) || !name.isWellFormed()) {
    throw new GoogleError(
      "INVALID_ARGUMENT",
      `Disallowed unicode characters present in object name ${JSON.stringify(name)}`,
    );
  }
  if (name === "." || name === "..") {
    throw new GoogleError("INVALID_ARGUMENT", `Invalid object name: "${name}"`);
  }
}
