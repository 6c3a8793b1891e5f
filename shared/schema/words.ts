import type { ErrorObject } from "ajv";
import { counted } from "../text.ts";

/**
 * What a schema says about its values for people, beside what it says for validators:
 *
 * - `x-form`: what a value must be, to be read after "must be"; of a string with a pattern, of a
 *   union
 * - `x-names`: what names are made of in an object whose names are the caller's own
 * - `x-example`: an example of such a name; that of a value is the first of `examples`
 */
export const WORDS = ["x-form", "x-names", "x-example"] as const;

interface Form {
  /** A regular expression that the whole form must match. */
  pattern: string;
  /** To be read after "must be". */
  form: string;
  example: string;
}

/** Options of a string of this form. */
export const formed = ({ pattern, form, example }: Form) => ({
  pattern,
  "x-form": form,
  examples: [example],
});

/** Options of a record whose names have this form, beside the name's pattern. */
export const named = ({ form, example }: Form) => ({
  additionalProperties: false,
  "x-names": form,
  "x-example": example,
});

type Schema = Readonly<Record<string, unknown>>;

/**
 * What is wrong with a value, in a caller's words: what is wanted there, and an example where it
 * helps.
 */
export function wordsOf({ keyword, params, parentSchema, data, message }: ErrorObject): string {
  const schema: Schema = parentSchema ?? {};
  const limit = Number(params["limit"]);
  switch (keyword) {
    case "required":
      return `is required${after(": ", propertyOf(schema, String(params["missingProperty"])))}`;
    case "additionalProperties":
    case "unevaluatedProperties":
    case "propertyNames":
      return strangeName(schema);
    case "minLength":
      return `${limit === 1 ? "must not be empty" : `must have at least ${counted(limit, "character")}`}${exampleOf(schema)}`;
    case "maxLength":
      return `must have at most ${counted(limit, "character")}, not ${Array.from(String(data)).length}`;
    case "minItems":
      return `must have at least ${counted(limit, "item")}${exampleOf(schema)}`;
    case "maxItems":
      return `must have at most ${counted(limit, "item")}, not ${(data as unknown[]).length}`;
    case "minProperties":
      return `must have at least ${counted(limit, "entry")}`;
    case "maxProperties":
      return `must have at most ${counted(limit, "entry")}, not ${Object.keys(data as object).length}`;
    case "pattern":
    case "format":
    case "enum":
    case "const":
    case "type":
    case "minimum":
    case "maximum":
    case "exclusiveMinimum":
    case "exclusiveMaximum":
    case "anyOf":
      return `must be ${wantedBy(schema)}${after("; it is ", found(keyword, data))}`;
    case "multipleOf":
      return `must be a multiple of ${params["multipleOf"]}${after("; it is ", found(keyword, data))}`;
    case "uniqueItems":
      return `must have no item twice; items ${params["j"]} and ${params["i"]} are the same`;
    case "false schema":
      return "must not be there";
    default:
      return message ?? "is not valid";
  }
}

const after = (separator: string, text: string | undefined): string =>
  text === undefined ? "" : `${separator}${text}`;

const number = (value: unknown): string => Number(value).toLocaleString("en-US");

/** What is wanted of a property, where its schema is known. */
function propertyOf({ properties }: Schema, name: string): string | undefined {
  const property = (properties as Record<string, Schema> | undefined)?.[name];
  return property && Object.keys(property).length > 0 ? wantedBy(property) : undefined;
}

/** Of a name that cannot stand where it stands. */
function strangeName(schema: Schema): string {
  const { "x-names": form, "x-example": example, properties } = schema;
  if (form !== undefined) {
    return `cannot be a name here: use ${form}, such as ${JSON.stringify(example)}`;
  }
  const known = Object.keys((properties as object | undefined) ?? {});
  return known.length === 0
    ? "is not known; nothing is, here"
    : `is not known; known here: ${known.join(", ")}`;
}

/** The first example of `schema`, to be read behind what is wanted; empty without one. */
function exampleOf({ examples }: Schema): string {
  const [example] = (examples as unknown[] | undefined) ?? [];
  return example === undefined ? "" : `, such as ${JSON.stringify(example)}`;
}

/** What `schema` wants, to be read after "must be". */
function wantedBy(schema: Schema): string {
  const { "x-form": form, pattern, format } = schema;
  const such = exampleOf(schema);
  if (form !== undefined) return `${form}${such}`;
  if (Array.isArray(schema["enum"])) return `one of: ${schema["enum"].map(literal).join(", ")}`;
  if ("const" in schema) return JSON.stringify(schema["const"]);
  if (Array.isArray(schema["anyOf"])) return alternatives(schema["anyOf"]);
  // Of a caller's own schema, which they can read.
  if (pattern !== undefined) return `a string that matches ${String(pattern)}`;
  if (format === "date-time") return 'an instant, such as "2026-11-29T02:38:50Z"';
  return [schema["type"] ?? "value"]
    .flat()
    .map((type) => ofType(String(type), schema))
    .join(" or ");
}

/** A string as it is, unless nobody would see where it ends. */
const literal = (value: unknown): string =>
  typeof value === "string" && /^\S+$/.test(value) ? value : JSON.stringify(value);

/** Each way once; a constant of each of several objects tells them apart best. */
function alternatives(branches: Schema[]): string {
  return [...new Set(branches.map(wantedBy))].join(", or ");
}

function ofType(type: string, schema: Schema): string {
  switch (type) {
    case "string":
      return "a string";
    case "integer":
      return `a whole number${range(schema)}`;
    case "number":
      return `a number${range(schema)}`;
    case "boolean":
      return "true or false";
    case "array":
      return "a list";
    case "object":
      return `an object${membersOf(schema)}`;
    case "null":
      return "null";
    default:
      return `a ${type}`;
  }
}

/** The names that an object must have. */
function membersOf({ required = [] }: Schema): string {
  const names = required as string[];
  return names.length === 0 ? "" : ` with ${names.join(", ")}`;
}

function range({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Schema): string {
  if (minimum !== undefined && maximum !== undefined) {
    return ` from ${number(minimum)} to ${number(maximum)}`;
  }
  const parts = [
    minimum !== undefined && `of at least ${number(minimum)}`,
    exclusiveMinimum !== undefined && `of more than ${number(exclusiveMinimum)}`,
    maximum !== undefined && `of at most ${number(maximum)}`,
    exclusiveMaximum !== undefined && `of less than ${number(exclusiveMaximum)}`,
  ].filter((part) => part !== false);
  return parts.length === 0 ? "" : ` ${parts.join(" and ")}`;
}

/** What is there instead, if that is short and says something. */
function found(keyword: string, data: unknown): string | undefined {
  if (typeof data === "number" || typeof data === "boolean") return String(data);
  if (data === null) return "null";
  if (keyword !== "type" && keyword !== "anyOf") return undefined;
  if (Array.isArray(data)) return "a list";
  if (typeof data === "object") return "an object";
  return typeof data === "string" ? "a string" : undefined;
}
