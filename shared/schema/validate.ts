import { Ajv2020, type ErrorObject } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type { Fault } from "../errors.ts";
import type { Static, TSchema } from "./type.ts";
import { closestErrors } from "./union-faults.ts";

/** A value that fits its schema, or every fault that it has. */
export type Validated<T> = { ok: true; value: T } | { ok: false; faults: Fault[] };

/**
 * For our own schemas, which tests hold against the meta-schema. To compile that one here would cost each
 * process 45 ms before its first answer.
 */
const ajv = new Ajv2020({
  allErrors: true,
  strict: true,
  strictTypes: false,
  meta: false,
  validateSchema: false,
});
addFormats.default(ajv);

/** Compiles a schema, on first use, into a function that checks values against it. */
export function validatorOf<S extends TSchema>(
  schema: S,
): (value: unknown) => Validated<Static<S>> {
  return (value) => {
    const validate = ajv.compile(schema);
    if (validate(value)) return { ok: true, value: value as Static<S> };
    return {
      ok: false,
      faults: closestErrors(validate.errors ?? [])
        .slice(0, 20)
        .map(faultOf),
    };
  };
}

/** Faults as one line for a log. */
export function describeFaults(faults: Fault[]): string {
  return faults.map(({ pointer, detail }) => `${pointer || "it"} ${detail}`).join(", ");
}

/** The errors of a value as faults, at most 20. */
export function faultsOf(errors: readonly ErrorObject[]): Fault[] {
  return closestErrors(errors).slice(0, 20).map(faultOf);
}

function faultOf(error: ErrorObject): Fault {
  const { params, message = "is not valid" } = error;
  if (error.keyword === "additionalProperties") {
    const name = String(params["additionalProperty"]);
    return { pointer: pointerTo(error.instancePath, name), detail: "is not a known property" };
  }
  if (error.keyword === "required") {
    const name = String(params["missingProperty"]);
    return { pointer: pointerTo(error.instancePath, name), detail: "is required" };
  }
  if (error.keyword === "enum") {
    const allowed = (params["allowedValues"] as unknown[]).join(", ");
    return { pointer: error.instancePath, detail: `must be one of: ${allowed}` };
  }
  if (error.keyword === "anyOf") {
    return { pointer: error.instancePath, detail: "has none of the forms that it may have" };
  }
  return { pointer: error.instancePath, detail: message };
}

/** A JSON pointer (RFC 6901) to a property. */
function pointerTo(path: string, property: string): string {
  return `${path}/${property.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}
