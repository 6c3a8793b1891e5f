import { Ajv, type AnySchema } from "ajv";
import { Ajv2020, MissingRefError } from "ajv/dist/2020.js";
import type { Fault } from "../errors.ts";
import { RUN_LIMITS } from "../limits.ts";
import { describeFaults, faultsOf } from "../schema/validate.ts";
import { utf8Length } from "../text.ts";

/** A JSON Schema as a caller gives it. */
export type OutputSchema = Readonly<Record<string, unknown>>;

const DRAFT_7 = /^https?:\/\/json-schema\.org\/draft-0[67]\/schema#?$/;
const DRAFT_2020 = /^https:\/\/json-schema\.org\/draft\/20(19-09|20-12)\/schema#?$/;

/**
 * What makes `schema` unusable for a run's output, or undefined. Usable is a JSON Schema of draft
 * 6, 7, 2019-09 or 2020-12 for an object, within {@link RUN_LIMITS}; `format` and unknown keywords
 * say nothing.
 *
 * Within the limits it takes seconds at worst: for whoever has others to serve there is {@link
 * outputSchemaBoundFault}, and compiling elsewhere.
 */
export function outputSchemaFault(schema: OutputSchema): string | undefined {
  const fault = outputSchemaBoundFault(schema);
  if (fault !== undefined) return fault;
  try {
    compile(schema);
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof NotASchema) return error.message;
  if (error instanceof MissingRefError) {
    const what = JSON.stringify(error.missingRef);
    return `refers to ${what}, which is not in it; put that under "$defs"`;
  }
  return `cannot be used: ${error instanceof Error ? error.message : String(error)}`;
}

/** What a caller gave for a JSON Schema is none. */
class NotASchema extends Error {}

/** {@link outputSchemaFault} as far as one walk through the schema can tell. */
export function outputSchemaBoundFault(schema: OutputSchema): string | undefined {
  const bytes = utf8Length(JSON.stringify(schema));
  if (bytes > RUN_LIMITS.outputSchemaBytes) {
    return `has ${bytes} bytes as JSON; at most ${RUN_LIMITS.outputSchemaBytes} are accepted`;
  }
  const depth = depthOf(schema, RUN_LIMITS.outputSchemaDepth + 1);
  if (depth > RUN_LIMITS.outputSchemaDepth) {
    return `is nested deeper than ${RUN_LIMITS.outputSchemaDepth} levels`;
  }
  const work = outputSchemaWork(schema);
  if (work > RUN_LIMITS.outputSchemaWork) {
    const most = `at most ${RUN_LIMITS.outputSchemaWork} are accepted`;
    return `has values times references of ${work}; ${most}`;
  }
  const { $schema } = schema;
  const isKnown =
    typeof $schema === "string" && (DRAFT_7.test($schema) || DRAFT_2020.test($schema));
  if ($schema !== undefined && !isKnown) {
    return `is of ${JSON.stringify($schema)}; use JSON Schema draft 6, 7, 2019-09 or 2020-12`;
  }
  return schema["type"] === "object"
    ? undefined
    : 'must be for an object: give it "type": "object"';
}

const REFERENCES = new Set(["$ref", "$dynamicRef", "$recursiveRef"]);

/**
 * What compiling `schema` may come to, at most: each reference can stand for all of the schema, so
 * it is its values, times one more than its references.
 */
function outputSchemaWork(schema: OutputSchema): number {
  const rest: unknown[] = [schema];
  let values = 0;
  let references = 0;
  for (let value = rest.pop(); value !== undefined; value = rest.pop()) {
    values += 1;
    if (typeof value !== "object" || value === null) continue;
    for (const [name, item] of Object.entries(value)) {
      if (REFERENCES.has(name)) references += 1;
      rest.push(item);
    }
  }
  return values * (references + 1);
}

/**
 * What of `output` does not fit; empty: it fits. The schema's patterns are somebody else's and can
 * take for ever: call this only where that harms nobody else.
 */
export function outputFaults(schema: OutputSchema, output: unknown): Fault[] {
  const validate = compile(schema);
  return validate(output) ? [] : faultsOf(validate.errors);
}

/** Callers may have keywords and formats of their own. */
const OPTIONS = {
  strict: false,
  validateFormats: false,
  allErrors: true,
  verbose: true,
  // Each reference would become a copy of what it refers to.
  inlineRefs: false,
  // Else what cannot be compiled is printed, with all of its code.
  logger: false,
} as const;
/**
 * By draft: what checks schemas. Compiling a meta-schema takes longer than most schemas, so it is
 * done once.
 */
const metaSchemas = new Map<typeof Ajv | typeof Ajv2020, Ajv | Ajv2020>();

/** @throws {Error} that says what is wrong with the schema */
function compile({ $schema, ...schema }: OutputSchema) {
  const Draft = DRAFT_7.test(String($schema)) ? Ajv : Ajv2020;
  const metaSchema = metaSchemas.get(Draft) ?? new Draft(OPTIONS);
  metaSchemas.set(Draft, metaSchema);
  if (metaSchema.validateSchema(schema as AnySchema) !== true) {
    throw new NotASchema(
      `is no JSON Schema: ${describeFaults(faultsOf(metaSchema.errors).slice(0, 1))}`,
    );
  }
  // An instance of its own: a caller's `$id` must not be remembered.
  return new Draft({ ...OPTIONS, validateSchema: false }).compile(schema as AnySchema);
}

/** Levels of objects and lists in `value`, counted up to `limit`. */
function depthOf(value: unknown, limit: number): number {
  if (typeof value !== "object" || value === null || limit === 0) return 0;
  return 1 + Math.max(0, ...Object.values(value).map((item) => depthOf(item, limit - 1)));
}
