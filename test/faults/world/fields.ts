import type { StoredDocument } from "../../../infra/emulators/firestore/document.ts";
import type { Fields, Value } from "../../../infra/emulators/firestore/messages.ts";

/** A document as our code has it. */
export function decoded(document: StoredDocument): unknown {
  return plainFrom(document.fields ?? {});
}

function plainFrom(fields: Fields): unknown {
  const entries = Object.entries(fields).map(([name, value]) => [name, plainValue(value)]);
  return Object.fromEntries(entries);
}

function plainValue(value: Value): unknown {
  if (value.mapValue) return plainFrom(value.mapValue.fields ?? {});
  if (value.arrayValue) return (value.arrayValue.values ?? []).map(plainValue);
  if (value.timestampValue) {
    const { seconds = 0, nanos = 0 } = value.timestampValue;
    return new Date(Number(seconds) * 1000 + Math.floor(nanos / 1e6));
  }
  if (value.integerValue !== undefined) return Number(value.integerValue);
  return value.stringValue ?? value.booleanValue ?? value.doubleValue ?? null;
}

/** An object of ours as a document has it; of strings, numbers, booleans, objects and null. */
export function fieldsFrom(object: object): Fields {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [name, storedValue(value)]),
  );
}

function storedValue(value: unknown): Value {
  if (value === null) return { nullValue: "NULL_VALUE" } as Value;
  if (typeof value === "boolean") return { booleanValue: value } as Value;
  if (typeof value === "number") {
    const isWhole = Number.isInteger(value);
    return (isWhole ? { integerValue: String(value) } : { doubleValue: value }) as Value;
  }
  if (typeof value === "string") return { stringValue: value } as Value;
  return { mapValue: { fields: fieldsFrom(value as object) } } as Value;
}
