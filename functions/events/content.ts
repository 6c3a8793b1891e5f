import { AppError } from "../../shared/errors.ts";
import { jsonShape } from "../api/http/json-shape.ts";

/** Much more than what people or services send, and little enough to walk through. */
const MOST_JSON = { depth: 64, values: 1_000_000 } as const;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** A media type without its parameters, in lower case; `""` if none is said. */
export const mediaTypeOf = (contentType = ""): string =>
  (contentType.split(";", 1)[0] ?? "").trim().toLowerCase();

export const isJsonType = (mediaType: string): boolean =>
  /^(application|text)\/([\w.-]+\+)?json$/.test(mediaType);

const isTextType = (mediaType: string): boolean =>
  /^text\/|^application\/(([\w.-]+\+)?xml|x-www-form-urlencoded|yaml)$/.test(mediaType);

/**
 * What bytes of a media type are for filters and templates: JSON as what it says, text as a string,
 * anything else as base64, nothing as null. What says that it is text and is not is base64, too.
 *
 * @throws {AppError} malformed_json, invalid, if it says that it is JSON
 */
export function contentOf(bytes: Buffer, contentType: string | undefined): unknown {
  if (bytes.length === 0) return null;
  const mediaType = mediaTypeOf(contentType);
  if (isJsonType(mediaType)) return jsonOf(bytes);
  return (isTextType(mediaType) ? textOf(bytes) : undefined) ?? bytes.toString("base64");
}

/** The same where nobody says what it is: JSON or text if it can be read as such. */
export function guessedContent(bytes: Buffer): unknown {
  if (bytes.length === 0) return null;
  const text = textOf(bytes);
  if (text === undefined) return bytes.toString("base64");
  try {
    return jsonOf(bytes);
  } catch (error) {
    if (error instanceof AppError) return text;
    throw error;
  }
}

function textOf(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** @throws {AppError} malformed_json; invalid if it would be far more than it looks */
export function jsonOf(bytes: Buffer): unknown {
  const { depth, values } = jsonShape(bytes);
  if (depth > MOST_JSON.depth) {
    const detail = `the event's JSON is nested deeper than ${MOST_JSON.depth} levels`;
    throw new AppError("invalid", { detail });
  }
  if (values > MOST_JSON.values) {
    const detail = `the event's JSON has more than ${MOST_JSON.values.toLocaleString("en")} values`;
    throw new AppError("invalid", { detail });
  }
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch (cause) {
    const reason = cause instanceof Error ? `: ${cause.message.slice(0, 200)}` : "";
    throw new AppError("malformed_json", { detail: `the event is not JSON${reason}`, cause });
  }
}
