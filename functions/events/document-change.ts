import protobuf from "protobufjs/light.js";
import { AppError } from "../../shared/errors.ts";

/** Twice Firestore's largest document, and what stands around. */
const MOST_BYTES = 2.5 * 1024 * 1024;
/** Levels of maps and lists; Firestore itself has 20. */
const MOST_LEVELS = 24;

const field = (id: number, type: string) => ({ id, type });
const list = (id: number, type: string) => ({ ...field(id, type), rule: "repeated" });
const map = (id: number, type: string) => ({ ...field(id, type), keyType: "string" });

/** @see https://github.com/googleapis/google-cloudevents/blob/main/proto/google/events/cloud/firestore/v1/data.proto */
const { nested } = {
  nested: {
    DocumentEventData: {
      fields: {
        value: field(1, "Document"),
        oldValue: field(2, "Document"),
        updateMask: field(3, "DocumentMask"),
      },
    },
    DocumentMask: { fields: { fieldPaths: list(1, "string") } },
    Document: {
      fields: {
        name: field(1, "string"),
        fields: map(2, "Value"),
        createTime: field(3, "Timestamp"),
        updateTime: field(4, "Timestamp"),
      },
    },
    Value: {
      oneofs: {
        valueType: {
          oneof: [
            "nullValue",
            "booleanValue",
            "integerValue",
            "doubleValue",
            "timestampValue",
            "stringValue",
            "bytesValue",
            "referenceValue",
            "geoPointValue",
            "arrayValue",
            "mapValue",
          ],
        },
      },
      fields: {
        nullValue: field(11, "int32"),
        booleanValue: field(1, "bool"),
        integerValue: field(2, "int64"),
        doubleValue: field(3, "double"),
        timestampValue: field(10, "Timestamp"),
        stringValue: field(17, "string"),
        bytesValue: field(18, "bytes"),
        referenceValue: field(5, "string"),
        geoPointValue: field(8, "LatLng"),
        arrayValue: field(9, "ArrayValue"),
        mapValue: field(6, "MapValue"),
      },
    },
    ArrayValue: { fields: { values: list(1, "Value") } },
    MapValue: { fields: { fields: map(1, "Value") } },
    Timestamp: { fields: { seconds: field(1, "int64"), nanos: field(2, "int32") } },
    LatLng: { fields: { latitude: field(1, "double"), longitude: field(2, "double") } },
  },
};
const DocumentEventData = protobuf.Root.fromJSON({ nested }).lookupType("DocumentEventData");

/** A change of a document as filters and templates see it. */
export interface DocumentChange {
  /** The document after the change; null: it is gone. */
  value: PlainDocument | null;
  /** The document before the change; null: it was not there. */
  oldValue: PlainDocument | null;
  /** Of updates: what changed. */
  updateMask: { fieldPaths: string[] };
}

interface PlainDocument {
  /** `projects/P/databases/D/documents/…` */
  name: string;
  /**
   * Plain values: times as RFC 3339, bytes as base64, references as names, points as `{latitude,
   * longitude}`; numbers that JSON cannot carry as strings.
   */
  fields: Record<string, unknown>;
  createTime: string | null;
  updateTime: string | null;
}

/**
 * A change of a document of Firestore, from the protobuf in which it is sent.
 *
 * @throws {AppError} too_large; invalid for what is no such message
 */
export function documentChange(bytes: Buffer): DocumentChange {
  if (bytes.length > MOST_BYTES) {
    const detail = `the event has ${bytes.length} bytes; a change of a document has at most ${MOST_BYTES}`;
    throw new AppError("too_large", { detail });
  }
  try {
    return plainChange(DocumentEventData.decode(bytes) as WireChange);
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    const detail = "the event's data is no google.events.cloud.firestore.v1.DocumentEventData";
    throw new AppError("invalid", { detail, cause });
  }
}

/**
 * The same from its form in JSON, which Eventarc can be told to send.
 *
 * @throws {AppError} invalid
 */
export function documentChangeOfJson(data: unknown): DocumentChange {
  try {
    return plainChange((data ?? {}) as WireChange);
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError("invalid", { detail: "the event's data is no change of a document", cause });
  }
}

interface WireChange {
  value?: WireDocument | null;
  oldValue?: WireDocument | null;
  updateMask?: { fieldPaths?: string[] } | null;
}
interface WireDocument {
  name?: string;
  fields?: Record<string, unknown> | null;
  createTime?: unknown;
  updateTime?: unknown;
}

function plainChange({ value, oldValue, updateMask }: WireChange): DocumentChange {
  return {
    value: plainDocument(value),
    oldValue: plainDocument(oldValue),
    updateMask: { fieldPaths: [...(updateMask?.fieldPaths ?? [])].map(String) },
  };
}

function plainDocument(document: WireDocument | null | undefined): PlainDocument | null {
  if (document === null || document === undefined) return null;
  const { name, fields, createTime, updateTime } = document;
  return {
    name: String(name ?? ""),
    fields: plainFields(fields, 1),
    createTime: instantOf(createTime),
    updateTime: instantOf(updateTime),
  };
}

function plainFields(fields: unknown, level: number): Record<string, unknown> {
  const entries = Object.entries((fields ?? {}) as Record<string, unknown>);
  return Object.fromEntries(entries.map(([name, value]) => [name, plainValue(value, level)]));
}

type Wire = Readonly<Record<string, unknown>>;

/** By the name of the member that a value has. */
const PLAIN: Readonly<Record<string, (wire: unknown, level: number) => unknown>> = {
  nullValue: () => null,
  booleanValue: (wire) => wire === true,
  integerValue: (wire) => plainNumber(Number(String(wire)), String(wire)),
  doubleValue: (wire) => (Number.isFinite(wire) ? wire : String(wire)),
  timestampValue: instantOf,
  stringValue: String,
  bytesValue: (wire) => (wire instanceof Uint8Array ? base64(wire) : String(wire)),
  referenceValue: String,
  geoPointValue: (wire) => {
    const { latitude = 0, longitude = 0 } = wire as Wire;
    return { latitude: Number(latitude), longitude: Number(longitude) };
  },
  arrayValue: (wire, level) =>
    [...(((wire as Wire)["values"] ?? []) as unknown[])].map((item) => plainValue(item, level)),
  mapValue: (wire, level) => plainFields((wire as Wire)["fields"], level),
};

function plainValue(wire: unknown, level: number): unknown {
  if (level > MOST_LEVELS) {
    const detail = `the document is nested deeper than ${MOST_LEVELS} levels`;
    throw new AppError("invalid", { detail });
  }
  // A decoded message has its defaults in the prototype: what was sent is its own.
  const [[kind, member] = ["nullValue", null]] = Object.entries(wire as Wire);
  const plain = Object.hasOwn(PLAIN, kind) ? PLAIN[kind] : undefined;
  if (plain !== undefined) return plain(member, level + 1);
  throw new AppError("invalid", { detail: `the document has a value of no known kind, ${kind}` });
}

/** What a number of 64 bits loses as JSON's stays a string. */
const plainNumber = (number: number, text: string): number | string =>
  Number.isSafeInteger(number) ? number : text;

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** The years 1 to 9999, in which Firestore's times are, in milliseconds. */
const TIMES = { first: -62_135_596_800_000, last: 253_402_300_799_999 } as const;

/** RFC 3339 from seconds and nanoseconds. */
function instantOf(wire: unknown): string | null {
  if (wire === null || wire === undefined) return null;
  if (typeof wire === "string") return wire;
  const { seconds = 0, nanos = 0 } = wire as Wire;
  const ms = Number(String(seconds)) * 1000;
  const isWithin = ms >= TIMES.first && ms <= TIMES.last;
  if (!isWithin || !(Number(nanos) >= 0 && Number(nanos) < 1e9))
    throw new AppError("invalid", { detail: "the document has a time that is none" });
  const fraction = String(nanos).padStart(9, "0").replace(/0+$/, "");
  const whole = new Date(ms).toISOString().replace(/\.000Z$/, "");
  return `${whole}${fraction === "" ? "" : `.${fraction}`}Z`;
}
