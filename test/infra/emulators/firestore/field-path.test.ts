import {
  formatFieldPath,
  parseFieldPath,
  project,
  withValueAt,
} from "../../../../infra/emulators/firestore/field-path.ts";
import type { Fields } from "../../../../infra/emulators/firestore/messages.ts";

test.each([
  ["a", ["a"]],
  ["a.b_1.C", ["a", "b_1", "C"]],
  ["`a.b`.c", ["a.b", "c"]],
  ["`\\`\\\\`", ["`\\"]],
  ["`ä`", ["ä"]],
])("%s is taken apart and put together", (text, path) => {
  expect(parseFieldPath(text)).toEqual(path);
  expect(formatFieldPath(path)).toBe(text);
});

test.each([[""], ["."], ["a."], [".a"], ["1a"], ["a b"], ["a..b"], ["`a"], ["``"], ["a`b`"]])(
  "%p is no field path",
  (text) => expect(() => parseFieldPath(text)).toThrow(`Invalid property path "${text}".`),
);

const FIELDS: Fields = {
  n: { integerValue: "1" },
  map: { mapValue: { fields: { x: { integerValue: "2" }, y: { integerValue: "3" } } } },
};

test("setting inside what is no map replaces it; deleting there changes nothing", () => {
  const value = { integerValue: "9" };
  expect(withValueAt(FIELDS, ["n", "x"], value)["n"]).toEqual({
    mapValue: { fields: { x: value } },
  });
  expect(withValueAt(FIELDS, ["n", "x"], undefined)).toEqual(FIELDS);
  expect(withValueAt(FIELDS, ["none", "x"], undefined)).toEqual(FIELDS);
});

test("deleting the last field of a map leaves the map", () => {
  const once = withValueAt(FIELDS, ["map", "x"], undefined);
  expect(withValueAt(once, ["map", "y"], undefined)["map"]).toEqual({ mapValue: { fields: {} } });
});

test("a projection keeps what is named, and inherited names are no fields", () => {
  expect(project(FIELDS, [["map", "y"], ["none"], ["constructor"]])).toEqual({
    map: { mapValue: { fields: { y: { integerValue: "3" } } } },
  });
});
