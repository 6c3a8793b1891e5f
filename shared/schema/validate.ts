import { Ajv2020, type ErrorObject } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type { Fault } from "../errors.ts";
import type { Static, TSchema } from "./type.ts";
import { closestErrors } from "./union-faults.ts";
import { WORDS, wordsOf } from "./words.ts";

/** A value that fits its schema, or every fault that it has. */
export type Validated<T> = { ok: true; value: T } | { ok: false; faults: Fault[] };

/**
 * For our own schemas, which tests hold against the meta-schema. To compile that one here would
 * cost each process 45 ms before its first answer.
 */
const OPTIONS = {
  strict: true,
  strictTypes: false,
  meta: false,
  validateSchema: false,
  // Takes two fifths of compiling; the engine leaves out what does nothing, too.
  code: { optimize: false },
  // With each error its schema and value, of which its words are made.
  verbose: true,
} as const;
/** Ends with the first fault, so that it costs no more than the value has. */
const first = new Ajv2020(OPTIONS);
/** Finds every fault, each of which is an object: a body of 2 MiB can have a million. */
const every = new Ajv2020({ ...OPTIONS, allErrors: true });
for (const ajv of [first, every]) addFormats.default(ajv).addVocabulary([...WORDS]);

/** A larger value that does not fit is told its first fault alone: */
const MOST_VALUES = 2000;
/** … and of a smaller one no more of the validator's errors are sorted out than these. */
const MOST_ERRORS = 1000;

/** Compiles a schema, on first use, into a function that checks values against it. */
export function validatorOf<S extends TSchema>(
  schema: S,
): (value: unknown) => Validated<Static<S>> {
  return (value) => {
    const validate = first.compile(schema);
    if (validate(value)) return { ok: true, value: value as Static<S> };
    if (hasMoreValues(value, MOST_VALUES)) return { ok: false, faults: faultsOf(validate.errors) };
    const validateAll = every.compile(schema);
    validateAll(value);
    return { ok: false, faults: faultsOf(validateAll.errors) };
  };
}

/** Whether `value` has more than `most` values in it, itself included. */
function hasMoreValues(value: unknown, most: number): boolean {
  const rest: unknown[] = [value];
  for (let seen = 0; rest.length > 0; seen += 1) {
    if (seen + rest.length > most) return true;
    const next = rest.pop();
    if (typeof next === "object" && next !== null) {
      for (const name in next) {
        rest.push((next as Record<string, unknown>)[name]);
        if (rest.length > most) return true;
      }
    }
  }
  return false;
}

/** Faults as one line for a log. */
export function describeFaults(faults: Fault[]): string {
  return faults.map(({ pointer, detail }) => `${pointer || "it"} ${detail}`).join(", ");
}

/** The errors of a value as faults, at most 20. */
export function faultsOf(errors: readonly ErrorObject[] | null | undefined): Fault[] {
  const faults = closestErrors((errors ?? []).slice(0, MOST_ERRORS)).map(faultOf);
  // Where a schema refers to another twice, each of them finds the same.
  const different = new Map(faults.map((fault) => [`${fault.pointer} ${fault.detail}`, fault]));
  return [...different.values()].slice(0, 20);
}

function faultOf(error: ErrorObject): Fault {
  const { params, instancePath, keyword } = error;
  const names = {
    additionalProperties: params["additionalProperty"],
    required: params["missingProperty"],
  };
  const name = Object.hasOwn(names, keyword) ? names[keyword as keyof typeof names] : undefined;
  const pointer = name === undefined ? instancePath : pointerTo(instancePath, String(name));
  return { pointer, detail: wordsOf(error) };
}

/** A JSON pointer (RFC 6901) to a property. */
function pointerTo(path: string, property: string): string {
  return `${path}/${property.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}
