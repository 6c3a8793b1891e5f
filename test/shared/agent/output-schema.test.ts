import { outputFaults, outputSchemaFault } from "../../../shared/agent/output-schema.ts";
import { RUN_LIMITS } from "../../../shared/limits.ts";

const DRAFT_7 = "http://json-schema.org/draft-07/schema#";

function nested(levels: number): object {
  return levels === 0 ? {} : { type: "object", properties: { a: nested(levels - 1) } };
}

describe("a JSON Schema for the output", () => {
  test.each([
    ["an object", { type: "object", properties: { a: { type: "string", format: "uri" } } }],
    ["a format that nobody knows", { type: "object", properties: { a: { format: "colour" } } }],
    ["with a keyword of its own", { type: "object", "x-note": 1 }],
    ["the same $id twice", { $id: "https://example.com/a", type: "object" }],
    ["the same $id again", { $id: "https://example.com/a", type: "object", title: "b" }],
    ["of draft 7", { $schema: DRAFT_7, type: "object", definitions: { a: { type: "null" } } }],
    ["of 2020-12", { $schema: "https://json-schema.org/draft/2020-12/schema", type: "object" }],
  ])("%s is usable", (_name, schema) => {
    expect(outputSchemaFault(schema)).toBeUndefined();
  });

  test.each([
    ["an unknown type", { type: "object", properties: { a: { type: "objekt" } } }, /type/],
    ["a reference to nowhere", { type: "object", $ref: "#/$defs/none" }, /none/],
    ["a pattern that is none", { type: "object", properties: { a: { pattern: "(" } } }, /\(/],
    ["another version of JSON Schema", { $schema: "urn:mine", type: "object" }, /urn:mine/],
    ["a list", { type: "array" }, /object/],
    ["one that is nested too deep", nested(RUN_LIMITS.outputSchemaDepth), /nested/],
    ["one that is too large", { type: "object", title: "x".repeat(70_000) }, /bytes/],
  ])("%s is not", (_name, schema, expected) => {
    expect(outputSchemaFault({ ...schema })).toMatch(expected);
  });
});

describe("an output", () => {
  const schema = {
    $schema: DRAFT_7,
    type: "object",
    required: ["n"],
    properties: { n: { type: "integer" }, at: { type: "string", format: "uri" } },
    additionalProperties: false,
  };

  test("that fits has no fault, whatever its formats", () => {
    expect(outputFaults(schema, { n: 1, at: "not a uri" })).toEqual([]);
  });

  test("that does not fit has each of its faults with its place", () => {
    expect(outputFaults(schema, { at: 1, more: true })).toEqual(
      expect.arrayContaining([
        { pointer: "/n", detail: "is required: a whole number" },
        { pointer: "/more", detail: "is not known; known here: n, at" },
        { pointer: "/at", detail: "must be a string; it is 1" },
      ]),
    );
  });
});
