import type { Request } from "express";
import { AppError, type Fault } from "../../shared/errors.ts";
import { isWellFormed } from "../../shared/text.ts";
import { contentTypeOf } from "../guard.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** A request's body as it was sent. */
export function rawBody(request: Request): Buffer {
  return (request as Request & { rawBody?: Buffer }).rawBody ?? Buffer.alloc(0);
}

/**
 * Parses a body of JSON. Functions-framework would have parsed it in its own way; the guard keeps it
 * from doing so.
 *
 * @throws {AppError} unsupported_media_type, invalid_utf8, malformed_json
 */
export function jsonBody(request: Request): unknown {
  const type = contentTypeOf(request);
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

/** Strings anywhere in `value` that hold a NUL or half of a surrogate pair. */
export function malformedStrings(value: unknown, pointer = ""): Fault[] {
  if (typeof value === "string") {
    if (isWellFormed(value)) return [];
    return [{ pointer, detail: "holds a NUL character or a lone surrogate" }];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const place = `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    const own = isWellFormed(key) ? [] : [{ pointer: place, detail: "is a malformed name" }];
    return [...own, ...malformedStrings(item, place)];
  });
}
