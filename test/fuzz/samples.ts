import type { TSchema } from "../../shared/schema/type.ts";

type Keywords = Readonly<Record<string, unknown>>;

/** A short value that a schema accepts, except where only a pattern says what that would be. */
export function sampleOf(schema: TSchema): unknown {
  const { anyOf, enum: members, type } = schema as Keywords;
  if ("const" in schema) return schema.const;
  if (members !== undefined) return (members as unknown[])[0];
  if (anyOf !== undefined) return sampleOf((anyOf as TSchema[])[0] ?? {});
  switch (type) {
    case "object":
      return objectOf(schema as Keywords);
    case "array":
      return [];
    case "boolean":
      return true;
    case "integer":
    case "number":
      return (schema as { minimum?: number }).minimum ?? 1;
    case "string":
      return "x";
    default:
      return null;
  }
}

function objectOf({ properties = {}, required = [] }: Keywords): object {
  const schemas = properties as Record<string, TSchema>;
  return Object.fromEntries(
    (required as string[]).map((name) => [name, sampleOf(schemas[name] ?? {})]),
  );
}

/** The places in a schema's values where something may be put, as paths of property names. */
export function placesIn(schema: TSchema, depth = 3): string[][] {
  if (depth === 0) return [];
  const { properties = {}, anyOf = [] } = schema as {
    properties?: Record<string, TSchema>;
    anyOf?: TSchema[];
  };
  const own = Object.entries(properties).flatMap(([name, inner]) => [
    [name],
    ...placesIn(inner, depth - 1).map((path) => [name, ...path]),
  ]);
  return [...own, ...anyOf.flatMap((branch) => placesIn(branch, depth - 1))];
}

/** `value` as JSON text with `json` at `path`, whatever was there. */
export function withJsonAt(value: unknown, path: readonly string[], json: string): string {
  const [name, ...rest] = path;
  if (name === undefined) return json;
  const before = typeof value === "object" && value !== null ? Object.entries(value) : [];
  const inner = before.find(([key]) => key === name)?.[1];
  const others = before.filter(([key]) => key !== name);
  const members = others.map(([key, item]) => `${JSON.stringify(key)}:${JSON.stringify(item)}`);
  return `{${[...members, `${JSON.stringify(name)}:${withJsonAt(inner, rest, json)}`].join(",")}}`;
}
