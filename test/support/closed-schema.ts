import type { JsonSchema } from "../../shared/api/openapi/types.ts";

type Schemas = Record<string, JsonSchema>;

/** A schema that refuses the fields which it does not name, at any depth. */
export function closedSchema(schema: JsonSchema): JsonSchema {
  const inside = withClosedParts(schema);
  const isOpen = "properties" in schema || "allOf" in schema;
  const saysItself = "additionalProperties" in schema || "patternProperties" in schema;
  return isOpen && !saysItself ? { ...inside, unevaluatedProperties: false } : inside;
}

function withClosedParts(schema: JsonSchema): JsonSchema {
  const entries = Object.entries(schema).map(([key, value]): [string, unknown] => {
    if (key === "properties" || key === "patternProperties") return [key, closedMap(value)];
    if (key === "items") return [key, closedSchema(value as JsonSchema)];
    if (key === "anyOf") return [key, (value as JsonSchema[]).map(closedSchema)];
    // Each part of these knows only some of the fields; what they are part of is closed.
    if (key === "allOf") return [key, (value as JsonSchema[]).map(withClosedParts)];
    return [key, value];
  });
  return Object.fromEntries(entries);
}

function closedMap(map: unknown): Schemas {
  return Object.fromEntries(
    Object.entries(map as Schemas).map(([name, schema]) => [name, closedSchema(schema)]),
  );
}
