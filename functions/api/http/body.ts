import type { Request } from "express";
import { AppError, type Fault } from "../../../shared/errors.ts";
import type { Static, TObject, TSchema } from "../../../shared/schema/type.ts";
import { validatorOf } from "../../../shared/schema/validate.ts";
import { isWellFormed } from "../../../shared/text.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** A request's body as it was sent. */
export function rawBody(request: Request): Buffer {
  return (request as Request & { rawBody?: Buffer }).rawBody ?? Buffer.alloc(0);
}

/**
 * Parses a body of JSON.
 *
 * @throws {AppError} unsupported_media_type, invalid_utf8, malformed_json
 */
function jsonBody(request: Request): unknown {
  const type = request.headers["content-type"];
  if (!/^application\/([a-z0-9.-]+\+)?json\s*(;|$)/i.test(type ?? "")) {
    const detail = `the body is ${type ?? "of no stated type"}; send Content-Type: application/json`;
    throw new AppError("unsupported_media_type", { detail });
  }
  return parse(decode(rawBody(request)));
}

function decode(bytes: Buffer): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new AppError("invalid_utf8", { detail: "the body is not valid UTF-8", cause });
  }
}

function parse(text: string): unknown {
  if (text === "") throw new AppError("malformed_json", { detail: "the body is empty" });
  try {
    return JSON.parse(text);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : "not JSON";
    throw new AppError("malformed_json", { detail, cause });
  }
}

/**
 * A request's body as `schema` wants it.
 *
 * @param options.isOptional a request without a body is as one with `{}`
 * @throws {AppError} what {@link jsonBody} throws; invalid, with each fault
 */
export function validBody<S extends TSchema>(
  request: Request,
  schema: S,
  { isOptional = false }: { isOptional?: boolean | undefined } = {},
): Static<S> {
  const isAbsent = isOptional && rawBody(request).length === 0;
  const value = isAbsent ? {} : jsonBody(request);
  const malformed = malformedStrings(value);
  if (malformed.length > 0) throw invalid(malformed.slice(0, 20));
  const result = validatorOf(schema)(value);
  if (!result.ok) throw invalid(result.faults);
  return result.value;
}

/**
 * A request's query as `schema` wants it; numbers are given as text.
 *
 * @throws {AppError} invalid, with each fault; pointers name the parameter
 */
export function validQuery<S extends TObject>(request: Request, schema: S): Static<S> {
  const given = Object.entries(request.query).map(([name, value]) => {
    const wanted = (schema.properties as Record<string, { type?: string }>)[name]?.type;
    const isInteger = wanted === "integer" && typeof value === "string" && /^\d{1,9}$/.test(value);
    return [name, isInteger ? Number(value) : value];
  });
  const result = validatorOf(schema)(Object.fromEntries(given));
  if (result.ok) return result.value;
  throw invalid(result.faults);
}

/** The refusal of a request for its faults; its detail is the first of them. */
export function invalid(faults: Fault[]): AppError {
  const first = faults[0];
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : "";
  const where = first?.pointer === "" ? "the body" : first?.pointer;
  return new AppError("invalid", { detail: `${where} ${first?.detail}${more}`, faults });
}

/** Levels of lists and objects in a body: whoever walks through it recurses. */
const MAX_DEPTH = 64;

/** Strings anywhere in `value` that hold a NUL or half of a surrogate pair; and what is too deep. */
function malformedStrings(value: unknown, pointer = "", depth = 1): Fault[] {
  if (typeof value === "string") {
    if (isWellFormed(value)) return [];
    return [{ pointer, detail: "holds a NUL character or a lone surrogate" }];
  }
  if (typeof value !== "object" || value === null) return [];
  if (depth > MAX_DEPTH) return [{ pointer, detail: `is nested deeper than ${MAX_DEPTH} levels` }];
  return Object.entries(value).flatMap(([key, item]) => {
    const place = `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    const own = isWellFormed(key) ? [] : [{ pointer: place, detail: "is a malformed name" }];
    return [...own, ...malformedStrings(item, place, depth + 1)];
  });
}
