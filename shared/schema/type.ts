import assert from "node:assert/strict";
import type { Type as TypeBox } from "typebox";

export type { Static, TObject, TSchema } from "typebox";

type Keywords = Record<string, unknown>;

const OPTIONAL = Symbol("optional property");

function objectOf(properties: Record<string, Keywords>, options?: Keywords): Keywords {
  const required = Object.entries(properties).flatMap(([name, schema]) =>
    OPTIONAL in schema ? [] : [name],
  );
  return { type: "object", ...(required.length > 0 && { required }), properties, ...options };
}

function recordOf(key: Keywords, value: Keywords, options?: Keywords): Keywords {
  assert.equal(key["type"], "string", "the names of a record are strings, maybe with a pattern");
  const { pattern = "^.*$" } = key as { pattern?: string };
  return { type: "object", patternProperties: { [pattern]: value }, ...options };
}

const builders = {
  Array: (items: Keywords, options?: Keywords) => ({ type: "array", items, ...options }),
  Boolean: (options?: Keywords) => ({ type: "boolean", ...options }),
  Enum: (values: unknown[], options?: Keywords) => ({ enum: values, ...options }),
  Integer: (options?: Keywords) => ({ type: "integer", ...options }),
  Literal: (value: unknown, options?: Keywords) => ({
    type: typeof value,
    const: value,
    ...options,
  }),
  Null: (options?: Keywords) => ({ type: "null", ...options }),
  Number: (options?: Keywords) => ({ type: "number", ...options }),
  Object: objectOf,
  Optional: (schema: Keywords) => ({ ...schema, [OPTIONAL]: true }),
  Record: recordOf,
  String: (options?: Keywords) => ({ type: "string", ...options }),
  Union: (anyOf: Keywords[], options?: Keywords) => ({ anyOf, ...options }),
  Unknown: (options?: Keywords) => ({ ...options }),
  Unsafe: (schema: Keywords) => ({ ...schema }),
};

/**
 * Builds JSON Schemas with TypeBox's types and TypeBox's words, without loading TypeBox: its 370
 * files would be a tenth of every function's cold start. Each schema is the one that TypeBox would
 * build; a builder that is missing here is added together with its line in the test that compares
 * the two.
 */
export const Type = builders as unknown as Pick<typeof TypeBox, keyof typeof builders>;
