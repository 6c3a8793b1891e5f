import type { Request } from "express";
import { AppError, type Fault } from "../../../shared/errors.ts";
import type { Static, TObject, TSchema } from "../../../shared/schema/type.ts";
import { validatorOf } from "../../../shared/schema/validate.ts";
import { isWellFormed } from "../../../shared/text.ts";
import { type JsonShape, jsonShape } from "./json-shape.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** A request's body as it was sent, see `receiveBody`. */
export function rawBody(request: Request): Buffer {
  return (request as Request & { rawBody?: Buffer }).rawBody ?? Buffer.alloc(0);
}

/** Whether a request has a body, as far as its headers say. */
export function hasBody({ headers }: Pick<Request, "headers">): boolean {
  return Number(headers["content-length"] ?? 0) > 0;
}

/** Whether a request says that its body is JSON. */
export function isJson({ headers }: Pick<Request, "headers">): boolean {
  return /^application\/([a-z0-9.-]+\+)?json\s*(;|$)/i.test(headers["content-type"] ?? "");
}

/**
 * Parses a body of JSON.
 *
 * @throws {AppError} unsupported_media_type, invalid_utf8, malformed_json, invalid
 */
function jsonBody(request: Request): unknown {
  if (!isJson(request)) {
    const type = request.headers["content-type"] ?? "of no stated type";
    const detail = `the body is ${type}; send Content-Type: application/json`;
    throw new AppError("unsupported_media_type", { detail });
  }
  const { depth } = refuseShape(rawBody(request));
  const text = decode(rawBody(request));
  const value = parse(text);
  // Only by an escape can JSON in UTF-8 say what is malformed: most bodies need not be walked.
  if (depth > MAX_DEPTH || text.includes("\\u")) refuseMalformed(value);
  return value;
}

/** @throws {AppError} invalid */
function refuseMalformed(value: unknown): void {
  const faults = malformed(value).take(MOST_FAULTS).toArray();
  if (faults.length > 0) throw invalid(faults);
}

/** Values in a body: many more than any that is accepted has. */
const MOST_VALUES = 100_000;
/** Levels that are parsed, so that the place of what is too deep can be told. */
const PARSED_DEPTH = 1000;

/** @throws {AppError} invalid for what would be far more than it looks */
function refuseShape(bytes: Buffer): JsonShape {
  const shape = jsonShape(bytes);
  const { depth, values } = shape;
  const detail =
    depth > PARSED_DEPTH
      ? `is nested deeper than ${MAX_DEPTH} levels`
      : `has more than ${MOST_VALUES} values`;
  if (depth > PARSED_DEPTH || values > MOST_VALUES) throw invalid([{ pointer: "", detail }]);
  return shape;
}

function decode(bytes: Buffer): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new AppError("invalid_utf8", { detail: "the body is not valid UTF-8", cause });
  }
}

function parse(text: string): unknown {
  if (text === "")
    throw new AppError("malformed_json", {
      detail: 'the body is empty; send JSON, which looks like {"name": "value"}',
    });
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? `: ${cause.message}` : "";
    const detail = `the body is not JSON${reason}; it looks like {"name": "value"}`;
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
  const isAbsent = isOptional && !hasBody(request);
  const value = isAbsent ? {} : jsonBody(request);
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

/** Faults that are looked for: no answer tells more. */
const MOST_FAULTS = 20;

/** Strings anywhere in `item` that hold a NUL or half of a surrogate pair; and what is too deep. */
function* malformed(item: unknown, path: readonly string[] = []): Generator<Fault> {
  const pointer = () => pointerTo(path);
  if (typeof item === "string") {
    if (isWellFormed(item)) return;
    yield { pointer: pointer(), detail: "holds a NUL character or a lone surrogate" };
  }
  if (typeof item !== "object" || item === null) return;
  if (path.length >= MAX_DEPTH) {
    yield { pointer: pointer(), detail: `is nested deeper than ${MAX_DEPTH} levels` };
    return;
  }
  for (const [key, value] of Object.entries(item)) {
    const place = [...path, key];
    if (!isWellFormed(key)) {
      yield { pointer: pointerTo(place), detail: "is a malformed name" };
    }
    if (typeof value === "string" || typeof value === "object") yield* malformed(value, place);
  }
}

const pointerTo = (path: readonly string[]): string =>
  path.map((key) => `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
