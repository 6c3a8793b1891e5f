import { GoogleError } from "../wire/status.ts";
import { nameKey } from "./document-name.ts";
import type { Fields, Timestamp, Value } from "./messages.ts";

/**
 * The first byte of a value's key. Numbers and NaN are one type to a range filter, so they share
 * the upper half of the byte.
 *
 * @see https://cloud.google.com/firestore/docs/concepts/data-types#value_type_ordering
 */
const TYPE = {
  end: 0x01,
  null: 0x10,
  boolean: 0x20,
  nan: 0x30,
  number: 0x31,
  timestamp: 0x40,
  string: 0x50,
  bytes: 0x60,
  reference: 0x70,
  geoPoint: 0x80,
  array: 0x90,
  vector: 0xa0,
  map: 0xb0,
} as const;

/** The year 1, where Firestore's timestamps begin. */
const FIRST_SECOND = -62_135_596_800;
const MAX_SECONDS = 2 ** 48 - 1;

/** Bytes under construction. */
interface KeyWriter {
  bytes: Buffer;
  length: number;
}

const writer: KeyWriter = { bytes: Buffer.allocUnsafe(4096), length: 0 };

/**
 * A value as bytes whose byte order is Firestore's order of values, across types as well: null <
 * boolean < NaN < number < timestamp < string < bytes < reference < geo point < array < vector <
 * map. Equal keys mean equal values to Firestore (`1` and `1.0` are equal). No key is the beginning
 * of another, so keys can be put one after the other.
 *
 * @throws {GoogleError} INVALID_ARGUMENT for a value without a type.
 */
export function orderKey(value: Value): Buffer {
  writer.length = 0;
  writeValue(writer, value);
  return Buffer.from(writer.bytes.subarray(0, writer.length));
}

/** Google cuts an indexed value there; what differs later is of equal order. */
export const MAX_INDEXED_BYTES = 1500;

/** The key as far as an index holds it: for order, not for equality. */
export function indexedKey(key: Buffer): Buffer {
  return key.length > MAX_INDEXED_BYTES ? key.subarray(0, MAX_INDEXED_BYTES) : key;
}

/** The key of a document's name as a reference value. */
export function nameOrderKey(name: string): Buffer {
  return orderKey({ referenceValue: name });
}

/** The name's own key in a reference's key; undefined if the key is none of a reference. */
export function nameKeyOf(key: Buffer): string | undefined {
  return key[0] === TYPE.reference ? key.subarray(1, -2).toString() : undefined;
}

/** The key of a plain string. */
export function stringOrderKey(text: string): Buffer {
  return orderKey({ stringValue: text });
}

/**
 * What sorts before and after every value of the key's type, for a range that stays in its type.
 */
export function typeBounds(key: Buffer): { first: Buffer; after: Buffer } {
  const type = (key[0] as number) & 0xf0;
  return { first: Buffer.from([type]), after: Buffer.from([type + 0x10]) };
}

/** Whether two keys are of one type, so that a range filter may compare them. */
export function isSameType(left: Buffer, right: Buffer): boolean {
  return ((left[0] as number) & 0xf0) === ((right[0] as number) & 0xf0);
}

/** Whether the map is a vector: `{__type__: "__vector__", value: [...]}`. */
export function isVector(fields: Fields): boolean {
  return fields["__type__"]?.stringValue === "__vector__";
}

export const NULL_KEY: Buffer = Buffer.from([TYPE.null]);
export const NAN_KEY: Buffer = Buffer.from([TYPE.nan]);

function writeValue(to: KeyWriter, value: Value): void {
  if (value.stringValue !== undefined) {
    writeBytes(to, TYPE.string, Buffer.from(value.stringValue));
  } else if (value.integerValue !== undefined) {
    writeInteger(to, value.integerValue);
  } else if (value.doubleValue !== undefined) {
    writeDouble(to, value.doubleValue);
  } else if (value.timestampValue !== undefined) {
    writeTimestamp(to, value.timestampValue);
  } else if (value.booleanValue !== undefined) {
    writeByte(to, TYPE.boolean);
    writeByte(to, value.booleanValue ? 1 : 0);
  } else if (value.nullValue !== undefined) {
    writeByte(to, TYPE.null);
  } else {
    writeRareValue(to, value);
  }
}

function writeRareValue(to: KeyWriter, value: Value): void {
  if (value.bytesValue !== undefined) {
    writeBytes(to, TYPE.bytes, Buffer.from(value.bytesValue));
  } else if (value.referenceValue !== undefined) {
    writeBytes(to, TYPE.reference, Buffer.from(nameKey(value.referenceValue)));
  } else if (value.geoPointValue !== undefined) {
    writeByte(to, TYPE.geoPoint);
    writeSortableDouble(to, value.geoPointValue.latitude ?? 0);
    writeSortableDouble(to, value.geoPointValue.longitude ?? 0);
  } else if (value.arrayValue !== undefined) {
    writeByte(to, TYPE.array);
    for (const element of value.arrayValue.values ?? []) writeValue(to, element);
    writeByte(to, TYPE.end);
  } else if (value.mapValue !== undefined) {
    writeMap(to, value.mapValue.fields ?? {});
  } else {
    throw new GoogleError("INVALID_ARGUMENT", "A value has no type the stand-in knows.");
  }
}

function writeMap(to: KeyWriter, fields: Fields): void {
  if (isVector(fields)) {
    const elements = fields["value"]?.arrayValue?.values ?? [];
    writeByte(to, TYPE.vector);
    room(to, 4);
    to.length = to.bytes.writeUInt32BE(elements.length, to.length);
    for (const element of elements) writeValue(to, element);
    return;
  }
  writeByte(to, TYPE.map);
  for (const name of Object.keys(fields).sort(compareUtf8)) {
    writeBytes(to, TYPE.string, Buffer.from(name));
    writeValue(to, fields[name] as Value);
  }
  writeByte(to, TYPE.end);
}

function writeInteger(to: KeyWriter, text: string): void {
  const double = Number(text);
  writeByte(to, TYPE.number);
  writeSortableDouble(to, double);
  // What the double leaves out keeps large integers exact, also against doubles.
  const rest = Number.isSafeInteger(double) ? 0 : Number(BigInt(text) - BigInt(double));
  writeRest(to, rest);
}

function writeDouble(to: KeyWriter, double: number): void {
  const isNumber = !Number.isNaN(double);
  writeByte(to, isNumber ? TYPE.number : TYPE.nan);
  if (!isNumber) return;
  writeSortableDouble(to, double);
  writeRest(to, 0);
}

function writeRest(to: KeyWriter, rest: number): void {
  room(to, 2);
  to.length = to.bytes.writeUInt16BE(rest + 0x8000, to.length);
}

function writeSortableDouble(to: KeyWriter, double: number): void {
  room(to, 8);
  const at = to.length;
  to.length = to.bytes.writeDoubleBE(double === 0 ? 0 : double, at);
  const first = to.bytes[at] as number;
  if (first < 0x80) {
    to.bytes[at] = first | 0x80;
    return;
  }
  for (let index = at; index < to.length; index++) {
    to.bytes[index] = ~(to.bytes[index] as number) & 0xff;
  }
}

function writeTimestamp(to: KeyWriter, timestamp: Timestamp): void {
  writeByte(to, TYPE.timestamp);
  room(to, 10);
  const seconds = Number(timestamp.seconds ?? 0) - FIRST_SECOND;
  to.length = to.bytes.writeUIntBE(Math.min(Math.max(seconds, 0), MAX_SECONDS), to.length, 6);
  to.length = to.bytes.writeUInt32BE((timestamp.nanos ?? 0) >>> 0, to.length);
}

/** The bytes, each zero followed by 0xff, then a zero and a one: shorter sorts first. */
function writeBytes(to: KeyWriter, type: number, bytes: Buffer): void {
  writeByte(to, type);
  room(to, bytes.length * 2 + 2);
  if (bytes.includes(0)) {
    for (const byte of bytes) {
      writeByte(to, byte);
      if (byte === 0) writeByte(to, 0xff);
    }
  } else {
    bytes.copy(to.bytes, to.length);
    to.length += bytes.length;
  }
  writeByte(to, 0);
  writeByte(to, 1);
}

function writeByte(to: KeyWriter, byte: number): void {
  room(to, 1);
  to.bytes[to.length++] = byte;
}

function room(to: KeyWriter, length: number): void {
  if (to.length + length <= to.bytes.length) return;
  const larger = Buffer.allocUnsafe((to.length + length) * 2);
  to.bytes.copy(larger, 0, 0, to.length);
  to.bytes = larger;
}

/** Compares strings as their UTF-8 bytes do, which is by code point and not by UTF-16 unit. */
export function compareUtf8(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}
