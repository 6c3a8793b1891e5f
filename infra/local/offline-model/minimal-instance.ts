type Schema = Record<string, unknown>;

const isSchema = (value: unknown): value is Schema => typeof value === "object" && value !== null;

/** A small value that satisfies the common keywords of a JSON Schema. */
export function minimalInstance(schema: unknown): unknown {
  if (!isSchema(schema)) return null;
  if ("const" in schema) return schema["const"];
  if ("default" in schema) return schema["default"];
  if (Array.isArray(schema["enum"])) return schema["enum"][0];
  for (const keyword of ["anyOf", "oneOf", "allOf"]) {
    const options = schema[keyword];
    if (Array.isArray(options)) return minimalInstance(options[0]);
  }
  const type = Array.isArray(schema["type"]) ? schema["type"][0] : schema["type"];
  return instanceOfType(type ?? ("properties" in schema ? "object" : "null"), schema);
}

function instanceOfType(type: unknown, schema: Schema): unknown {
  const number = (name: string): number => (typeof schema[name] === "number" ? schema[name] : 0);
  switch (type) {
    case "object":
      return minimalObject(schema);
    case "array":
      return Array.from({ length: number("minItems") }, () => minimalInstance(schema["items"]));
    case "string":
      return "offline".padEnd(number("minLength"), ".");
    case "integer":
    case "number":
      return "exclusiveMinimum" in schema ? number("exclusiveMinimum") + 1 : number("minimum");
    case "boolean":
      return true;
    default:
      return null;
  }
}

function minimalObject(schema: Schema): Schema {
  const properties = isSchema(schema["properties"]) ? schema["properties"] : {};
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  return Object.fromEntries(
    required.map((name) => [String(name), minimalInstance(properties[String(name)])]),
  );
}
