import { Type as TypeBox } from "typebox";
import { type Static, Type } from "../../../shared/schema/type.ts";

type Builders = Pick<typeof TypeBox, keyof typeof Type>;

const WORD = { pattern: "^[a-z]+$", description: "a word" };

const SCHEMAS: Record<keyof Builders, (type: Builders) => unknown[]> = {
  Array: (type) => [type.Array(type.Null()), type.Array(type.Number(), { maxItems: 2 })],
  Boolean: (type) => [type.Boolean(), type.Boolean({ description: "whether" })],
  Enum: (type) => [type.Enum(["a", "b"]), type.Enum([1, 2], { description: "one of" })],
  Integer: (type) => [type.Integer(), type.Integer({ minimum: 0 })],
  Literal: (type) => [type.Literal("a"), type.Literal(1), type.Literal(true, { title: "yes" })],
  Null: (type) => [type.Null(), type.Null({ description: "nothing" })],
  Number: (type) => [type.Number(), type.Number({ exclusiveMinimum: 0 })],
  Object: (type) => [
    type.Object({}),
    type.Object({ a: type.Optional(type.Null()) }, { additionalProperties: false }),
    type.Object({ a: type.Object({ b: type.String() }), c: type.Optional(type.Unknown()) }),
  ],
  Optional: (type) => [type.Optional(type.String(WORD)), type.Optional(type.Object({}))],
  Record: (type) => [
    type.Record(type.String(), type.Unknown()),
    type.Record(type.String(WORD), type.String(), {
      maxProperties: 3,
      additionalProperties: false,
    }),
  ],
  String: (type) => [type.String(), type.String(WORD)],
  Union: (type) => [type.Union([type.Null(), type.String()], { description: "either" })],
  Unknown: (type) => [type.Unknown(), type.Unknown({ description: "anything" })],
  Unsafe: (type) => [type.Unsafe<Date>({ type: "string", format: "date-time" })],
};

test.each(Object.keys(SCHEMAS) as (keyof Builders)[])("%s is what TypeBox builds", (name) => {
  const [ours, theirs] = [SCHEMAS[name](Type), SCHEMAS[name](TypeBox)];
  expect(JSON.stringify(ours)).toBe(JSON.stringify(theirs));
});

test("every builder is compared with TypeBox's", () => {
  expect(Object.keys(SCHEMAS)).toEqual(Object.keys(Type));
});

test("a schema gives its static type and leaves the one that it was made from as it is", () => {
  const name = Type.String();
  const both = [Type.Object({ name: Type.Optional(name) }), Type.Object({ name })] as const;
  const nameless: Static<(typeof both)[0]> = {};
  // @ts-expect-error: the name is required.
  const wrong: Static<(typeof both)[1]> = nameless;
  expect(wrong).toEqual({});
  expect(both.map((schema) => JSON.parse(JSON.stringify(schema)).required)).toEqual([
    undefined,
    ["name"],
  ]);
});

test("the names of a record are strings", () => {
  expect(() => Type.Record(Type.Integer(), Type.Null())).toThrow("the names of a record");
});
