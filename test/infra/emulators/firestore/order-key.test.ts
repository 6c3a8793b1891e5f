import type { Value } from "../../../../infra/emulators/firestore/messages.ts";
import { isSameType, orderKey } from "../../../../infra/emulators/firestore/order-key.ts";

const int = (value: bigint | number): Value => ({ integerValue: String(value) });
const double = (doubleValue: number): Value => ({ doubleValue });
const text = (stringValue: string): Value => ({ stringValue });
const list = (...values: Value[]): Value => ({ arrayValue: { values } });
const map = (fields: Record<string, Value>): Value => ({ mapValue: { fields } });
const vector = (...values: number[]): Value =>
  map({ __type__: text("__vector__"), value: list(...values.map(double)) });
const reference = (path: string): Value => ({
  referenceValue: `projects/p/databases/d/documents/${path}`,
});

const ASCENDING: Value[] = [
  { nullValue: "NULL_VALUE" },
  { booleanValue: false },
  { booleanValue: true },
  double(Number.NaN),
  double(Number.NEGATIVE_INFINITY),
  double(-Number.MAX_VALUE),
  int(-(2n ** 63n)),
  int(-(2n ** 53n) - 1n),
  double(-(2 ** 53)),
  int(-1),
  double(-0.5),
  double(-Number.MIN_VALUE),
  int(0),
  double(Number.MIN_VALUE),
  int(1),
  double(1.5),
  double(2 ** 53),
  int(2n ** 53n + 1n),
  int(2n ** 53n + 2n),
  int(2n ** 63n - 513n),
  int(2n ** 63n - 2n),
  int(2n ** 63n - 1n),
  double(2 ** 63),
  double(Number.POSITIVE_INFINITY),
  { timestampValue: { seconds: "-62135596800" } },
  { timestampValue: { seconds: "-1", nanos: 999_999_000 } },
  { timestampValue: {} },
  { timestampValue: { nanos: 1000 } },
  { timestampValue: { seconds: "253402300799", nanos: 999_999_000 } },
  text(""),
  text("\u0000"),
  text("\u0000\u0000"),
  text("\u0000a"),
  text("\u0001"),
  text("a"),
  text("a\u0000"),
  text("aa"),
  text("b"),
  text("\uffff"),
  text("\u{10000}"),
  { bytesValue: Buffer.from([]) },
  { bytesValue: Buffer.from([0]) },
  { bytesValue: Buffer.from([0, 255]) },
  { bytesValue: Buffer.from([255]) },
  reference(`a/__id${-(2n ** 63n)}__`),
  reference("a/__id-1__"),
  reference("a/__id7__"),
  reference("a/__id10__"),
  reference("a/\u0000"),
  reference("a/1"),
  reference("a/A"),
  reference("a/__id"),
  reference("a/b"),
  reference("a/b/c/d"),
  reference("a/b\u0000"),
  reference("a/b\u0001"),
  reference("a/b!"),
  reference("a!/b"),
  { geoPointValue: { latitude: -1, longitude: 5 } },
  { geoPointValue: {} },
  { geoPointValue: { longitude: 1 } },
  list(),
  list(int(1)),
  list(int(1), int(0)),
  list(int(2)),
  list(text("a")),
  vector(9),
  vector(0, 1),
  vector(0, 2),
  map({}),
  map({ a: int(1) }),
  map({ a: int(1), b: int(0) }),
  map({ a: int(2) }),
  map({ b: int(0) }),
];

test("keys stand in the order of their values, and none begins another", () => {
  const keys = ASCENDING.map(orderKey);
  for (const [index, key] of keys.entries()) {
    for (const [other, right] of keys.entries()) {
      expect(Math.sign(Buffer.compare(key, right))).toBe(Math.sign(index - other));
      if (index !== other) expect(right.subarray(0, key.length).equals(key)).toBe(false);
    }
  }
});

test.each([
  ["an integer and the same double", int(3), double(3)],
  ["zero and minus zero", double(-0), int(0)],
  ["different NaNs", double(Number.NaN), double(-Number.NaN)],
  ["maps written in another order", map({ a: int(1), b: int(2) }), map({ b: int(2), a: int(1) })],
])("%s are equal", (_name, left, right) => {
  expect(orderKey(left)).toEqual(orderKey(right));
});

test("NaN and numbers are one type to a range; other types are not", () => {
  expect(isSameType(orderKey(double(Number.NaN)), orderKey(int(1)))).toBe(true);
  expect(isSameType(orderKey(int(1)), orderKey(text("1")))).toBe(false);
  expect(isSameType(orderKey(vector(1)), orderKey(map({})))).toBe(false);
});

test("a value without a type is refused", () => {
  expect(() => orderKey({})).toThrow("A value has no type");
});
