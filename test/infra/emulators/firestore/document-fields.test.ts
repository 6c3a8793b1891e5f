import { checkedFields } from "../../../../infra/emulators/firestore/document-fields.ts";
import type { Value } from "../../../../infra/emulators/firestore/messages.ts";

function nested(depth: number, kind: "map" | "array"): Value {
  let value: Value = { integerValue: "1" };
  for (let level = 0; level < depth; level++) {
    const isArray = kind === "array" && level % 2 === 0;
    value = isArray ? { arrayValue: { values: [value] } } : { mapValue: { fields: { m: value } } };
  }
  return value;
}

test.each([["map" as const], ["array" as const]])(
  "20 levels of %s are kept, 21 refused",
  (kind) => {
    expect(checkedFields({ f: nested(20, kind) })).toEqual({ f: nested(20, kind) });
    expect(() => checkedFields({ f: nested(21, kind) })).toThrow(
      "Property f contains an invalid nested entity.",
    );
  },
);

test("an array in an array is refused, one in a map in an array is not", () => {
  const array = (value: Value): Value => ({ arrayValue: { values: [value] } });
  const inMap = array({ mapValue: { fields: { m: array({ booleanValue: true }) } } });
  expect(checkedFields({ f: inMap })).toEqual({ f: inMap });
  expect(() => checkedFields({ f: array(array({ booleanValue: true })) })).toThrow(
    "Cannot convert an array value in an array value.",
  );
});

test.each([
  ["a reserved name", { __x__: { booleanValue: true } }],
  ["an empty name", { "": { booleanValue: true } }],
  ["a reserved name in a map", { m: { mapValue: { fields: { __x__: { booleanValue: true } } } } }],
  ["a name of 1501 bytes", { ["ä".repeat(751)]: { booleanValue: true } }],
  ["a value without a type", { f: {} }],
  ["a time after the year 9999", { f: { timestampValue: { seconds: "253402300800" } } }],
])("%s is refused", (_name, fields) => {
  expect(() => checkedFields(fields)).toThrow();
});

test("equal fields become equal however they were written", () => {
  const one: Value = { integerValue: "1" };
  const fields = { b: one, a: { mapValue: { fields: { d: one, c: one } } } };
  const same = { a: { mapValue: { fields: { c: one, d: one } } }, b: { ...one, valueType: "x" } };
  expect(JSON.stringify(checkedFields(fields))).toBe(JSON.stringify(checkedFields(same)));
});
