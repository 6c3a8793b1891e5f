import { GoogleError } from "../wire/status.ts";
import type { Fields, Timestamp, Value } from "./messages.ts";
import { compareUtf8, isVector } from "./order-key.ts";

/** @see https://cloud.google.com/firestore/quotas#collections_documents_and_fields */
const MAX_DOCUMENT_BYTES = 1024 * 1024;
const MAX_DEPTH = 20;
const MAX_FIELD_NAME_BYTES = 1500;
const MAX_VALUE_BYTES = MAX_DOCUMENT_BYTES - 89;
/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z. */
const FIRST_SECOND = -62_135_596_800;
const LAST_SECOND = 253_402_300_799;

/**
 * The fields as Firestore keeps them: names checked and sorted, timestamps cut to microseconds,
 * nothing but the one key of each value. Equal fields give equal results.
 *
 * @throws {GoogleError} INVALID_ARGUMENT for an array in an array, a reserved or empty field name,
 * a
 *   text or bytes of more than 1,048,487 bytes, or more than 20 levels.
 */
export function checkedFields(fields: Fields): Fields {
  const checked: Fields = {};
  for (const name of sortedNames(fields)) {
    checkFieldName(name);
    const place = { field: name, depth: 1, inArray: false, inMap: false };
    checked[name] = checkedValue(fields[name] as Value, place);
  }
  return checked;
}

/** Where a value stands. */
interface Place {
  /** The document's field it is part of. */
  field: string;
  depth: number;
  inArray: boolean;
  inMap: boolean;
}

/** One value in its kept form; the rules are those of {@link checkedFields}. */
export function checkedValue(value: Value, place: Place): Value {
  if (value.arrayValue !== undefined) return checkedArray(value.arrayValue.values ?? [], place);
  if (value.mapValue !== undefined) return checkedMap(value.mapValue.fields ?? {}, place);
  if (value.timestampValue !== undefined) {
    return { timestampValue: checkedTimestamp(value.timestampValue, place.field) };
  }
  checkLength(value.stringValue ?? value.bytesValue, place);
  for (const kind of SCALARS) {
    if (value[kind] !== undefined) return { [kind]: value[kind] };
  }
  throw invalid(`Property ${place.field} contains a value without a known type.`);
}

const SCALARS = [
  "stringValue",
  "integerValue",
  "booleanValue",
  "nullValue",
  "doubleValue",
  "bytesValue",
  "referenceValue",
  "geoPointValue",
] as const;

function checkedArray(values: Value[], place: Place): Value {
  if (place.inArray) throw invalid("Cannot convert an array value in an array value.");
  const inner = deeper({ ...place, inArray: true });
  return { arrayValue: { values: values.map((value) => checkedValue(value, inner)) } };
}

function checkedMap(fields: Fields, place: Place): Value {
  const inner = deeper({ ...place, inArray: false, inMap: true });
  const checked: Fields = {};
  const isReservedMap = isVector(fields);
  for (const name of sortedNames(fields)) {
    if (!isReservedMap) checkFieldName(name, "'");
    checked[name] = checkedValue(fields[name] as Value, inner);
  }
  return { mapValue: { fields: checked } };
}

function deeper(place: Place): Place {
  if (place.depth > MAX_DEPTH) throw invalidNested(place);
  return { ...place, depth: place.depth + 1 };
}

/** The texts are those of Google's emulator, and of people who met the first in production. */
function checkLength(content: string | Uint8Array | undefined, place: Place): void {
  if (content === undefined || content.length * 3 <= MAX_VALUE_BYTES) return;
  if (Buffer.byteLength(content) <= MAX_VALUE_BYTES) return;
  if (place.inMap) throw invalidNested(place);
  throw invalid(`The value of property "${place.field}" is longer than ${MAX_VALUE_BYTES} bytes.`);
}

function invalidNested({ field }: Place): GoogleError {
  return invalid(`Property ${field} contains an invalid nested entity.`);
}

function sortedNames(fields: Fields): string[] {
  return Object.keys(fields).sort(compareUtf8);
}

/**
 * The text for a reserved name is that of Google's emulator, which quotes it inside a map and not
 * outside.
 */
function checkFieldName(name: string, quote: "" | "'" = ""): void {
  if (name === "") throw invalid("Document fields must not be empty.");
  if (/^__.*__$/s.test(name)) {
    throw invalid(`field name ${quote}${name}${quote} is reserved${quote && "."}`);
  }
  if (name.length > MAX_FIELD_NAME_BYTES / 4 && Buffer.byteLength(name) > MAX_FIELD_NAME_BYTES) {
    throw invalid(`Property name is longer than ${MAX_FIELD_NAME_BYTES} bytes.`);
  }
}

/** The instant cut to microseconds. */
function checkedTimestamp(timestamp: Timestamp, field: string): Timestamp {
  const seconds = Number(timestamp.seconds ?? 0);
  const nanos = timestamp.nanos ?? 0;
  const isInRange = seconds >= FIRST_SECOND && seconds <= LAST_SECOND;
  if (!isInRange || nanos < 0 || nanos > 999_999_999) {
    throw invalid(`Property ${field} contains a timestamp outside the years 1 to 9999.`);
  }
  return { seconds: timestamp.seconds ?? "0", nanos: nanos - (nanos % 1000) };
}

/**
 * Checks a document's size, as Google counts it.
 *
 * @throws {GoogleError} INVALID_ARGUMENT above 1 MiB.
 * @see https://cloud.google.com/firestore/docs/storage-size
 */
export function checkSize(name: string, fields: Fields): void {
  const sizeBytes = nameSize(name) + fieldsSize(fields) + 32;
  if (sizeBytes <= MAX_DOCUMENT_BYTES) return;
  const format = new Intl.NumberFormat("en-US");
  throw invalid(
    `Document '${name}' cannot be written because its size (${format.format(sizeBytes)} bytes) exceeds the maximum allowed size of ${format.format(MAX_DOCUMENT_BYTES)} bytes.`,
  );
}

function nameSize(name: string): number {
  const segments = name.split("/").slice(5);
  return 16 + segments.reduce((sum, segment) => sum + Buffer.byteLength(segment) + 1, 0);
}

function fieldsSize(fields: Fields): number {
  let size = 0;
  for (const name of Object.keys(fields)) {
    size += Buffer.byteLength(name) + 1 + valueSize(fields[name] as Value);
  }
  return size;
}

function valueSize(value: Value): number {
  if (value.stringValue !== undefined) return Buffer.byteLength(value.stringValue) + 1;
  if (value.bytesValue !== undefined) return value.bytesValue.length;
  if (value.mapValue !== undefined) return fieldsSize(value.mapValue.fields ?? {});
  if (value.arrayValue !== undefined) {
    return (value.arrayValue.values ?? []).reduce((sum, element) => sum + valueSize(element), 0);
  }
  if (value.referenceValue !== undefined) return nameSize(value.referenceValue);
  if (value.geoPointValue !== undefined) return 16;
  return value.booleanValue !== undefined || value.nullValue !== undefined ? 1 : 8;
}

function invalid(message: string): GoogleError {
  return new GoogleError("INVALID_ARGUMENT", message);
}
