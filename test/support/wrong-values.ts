type Schema = Readonly<Record<string, unknown>>;

const OTHERS: Record<string, unknown> = {
  string: 5,
  integer: "many",
  number: "many",
  boolean: "yes",
  array: "one",
  object: "one",
  null: 5,
};

/**
 * Values for `schema`, each with something wrong in it: every keyword at every depth is broken
 * once.
 */
export function* wrongValues(schema: Schema): Generator<unknown> {
  yield* wrongHere(schema);
  yield* wrongInBranches(schema);
  yield* wrongInside(schema);
}

function* wrongInBranches(schema: Schema): Generator<unknown> {
  for (const branch of (schema["anyOf"] as Schema[] | undefined) ?? []) {
    for (const value of wrongValues(branch)) if (!isOther(value, branch)) yield value;
  }
  if ("anyOf" in schema) yield [[]];
}

function* wrongInside(schema: Schema): Generator<unknown> {
  const properties = (schema["properties"] ?? {}) as Record<string, Schema>;
  const whole = rightValue(schema);
  for (const [name, property] of Object.entries(properties)) {
    for (const value of wrongValues(property)) yield { ...(whole as object), [name]: value };
  }
  const records = (schema["patternProperties"] ?? {}) as Record<string, Schema>;
  for (const value of Object.values(records).flatMap((one) => [...wrongValues(one)])) {
    yield { [String(schema["x-example"])]: value };
  }
  for (const value of schema["items"] ? wrongValues(schema["items"] as Schema) : []) yield [value];
}

/** Whether a value is of another type than the branch of a union: another branch may take it. */
function isOther(value: unknown, { type }: Schema): boolean {
  return typeof type === "string" && value === OTHERS[type];
}

function* wrongHere(schema: Schema): Generator<unknown> {
  const { type, required = [], minimum, exclusiveMinimum, maximum } = schema;
  if (typeof type === "string") yield OTHERS[type];
  if ("enum" in schema || "const" in schema) yield "no such thing";
  if (minimum !== undefined) yield (minimum as number) - 1;
  if (exclusiveMinimum !== undefined) yield exclusiveMinimum;
  if (maximum !== undefined) yield (maximum as number) + 1;
  if (schema["minLength"] !== undefined) yield "";
  if (schema["maxLength"] !== undefined) yield "a".repeat((schema["maxLength"] as number) + 1);
  if (schema["pattern"] !== undefined) yield* [" ", " \n"];
  if (schema["maxItems"] !== undefined) {
    const item = rightValue(schema["items"] as Schema);
    yield new Array((schema["maxItems"] as number) + 1).fill(item);
  }
  for (const name of required as string[]) {
    const { [name]: _, ...rest } = rightValue(schema) as Record<string, unknown>;
    yield rest;
  }
  if (schema["additionalProperties"] === false) yield { "an odd name": 1, "": 1 };
}

/** A value that fits. */
function rightValue(schema: Schema): unknown {
  const { type, examples, properties = {}, required = [] } = schema;
  if (examples !== undefined) return (examples as unknown[])[0];
  if ("const" in schema) return schema["const"];
  if ("enum" in schema) return (schema["enum"] as unknown[])[0];
  if ("anyOf" in schema) return rightValue((schema["anyOf"] as Schema[])[0] as Schema);
  if (type === "object") {
    const names = required as string[];
    const known = properties as Record<string, Schema>;
    return Object.fromEntries(names.map((name) => [name, rightValue(known[name] ?? {})]));
  }
  if (type === "array") return [];
  if (type === "integer" || type === "number") return schema["minimum"] ?? 1;
  return type === "string" ? "a" : null;
}
