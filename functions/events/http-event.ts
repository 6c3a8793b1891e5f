import type { IncomingHttpHeaders } from "node:http";
import { AppError } from "../../shared/errors.ts";
import type { IncomingEvent } from "../../shared/triggers/incoming-event.ts";
import { type Attributes, eventOf, faulty } from "./attributes.ts";
import { contentOf, isJsonType, jsonOf, mediaTypeOf } from "./content.ts";
import { documentChange, documentChangeOfJson } from "./document-change.ts";

/** What came by HTTP. */
export interface Arrived {
  /** By names in lower case. */
  headers: IncomingHttpHeaders;
  /** As it was sent. */
  body: Buffer;
  /** A push of Pub/Sub has its topic in it, as `/projects/P/topics/T`. */
  path?: string | undefined;
}

const STRUCTURED = "application/cloudevents+json";

/**
 * The CloudEvent that a request carries, in HTTP's binary or structured mode; undefined: it does
 * not say that it is one.
 *
 * @throws {AppError} malformed_json, invalid, too_large, unsupported_media_type if it is none
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
 */
export function httpEvent({ headers, body }: Arrived): IncomingEvent | undefined {
  const contentType = headers["content-type"];
  const mediaType = mediaTypeOf(contentType);
  if (mediaType.startsWith("application/cloudevents")) return structuredEvent(body, mediaType);
  if (headers["ce-specversion"] === undefined) return undefined;
  const attributes = attributesOf(headers, "ce-", percentDecoded);
  return eventWith({ ...attributes, datacontenttype: contentType }, { bytes: body });
}

/** What stands behind a prefix in the names of headers, or of a message's attributes. */
export function attributesOf(
  named: Readonly<Record<string, unknown>>,
  prefix: string,
  read: (value: unknown, name: string) => unknown,
): Attributes {
  return Object.fromEntries(
    Object.entries(named)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), read(value, name)]),
  );
}

/** Headers carry what is no ASCII as percent signs and bytes of UTF-8. */
function percentDecoded(value: unknown, name: string): unknown {
  if (typeof value !== "string") return value;
  try {
    return decodeURIComponent(value.replace(/%(?![0-9a-f]{2})/gi, "%25"));
  } catch (cause) {
    throw faulty(name, "is not UTF-8 behind its percent signs", cause);
  }
}

/**
 * An event in CloudEvents' format of JSON.
 *
 * @throws {AppError} malformed_json, invalid, unsupported_media_type
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
 */
export function structuredEvent(body: Buffer, mediaType: string): IncomingEvent {
  if (mediaType !== STRUCTURED) {
    const detail = `${mediaType} is not taken; send one event as ${STRUCTURED}, or in binary mode`;
    throw new AppError("unsupported_media_type", { detail });
  }
  const event = jsonOf(body);
  if (typeof event !== "object" || event === null || Array.isArray(event)) {
    throw new AppError("invalid", { detail: "the event is no object of JSON" });
  }
  const { data, data_base64: base64, ...attributes } = event as Record<string, unknown>;
  if (base64 === undefined || base64 === null) return eventWith(attributes, { data });
  if (data !== undefined) throw faulty("data_base64", "stands beside data; send one of them");
  if (typeof base64 !== "string" || !BASE64.test(base64))
    throw faulty("data_base64", "is no base64");
  return eventWith(attributes, { bytes: Buffer.from(base64, "base64") });
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** An event's data: bytes of its media type, or a value of JSON. */
type Data = { bytes: Buffer } | { data: unknown };

/** Types of changes of documents, see `documentChange`. */
const DOCUMENT_CHANGES = "google.cloud.firestore.document.v1.";

/**
 * The event of such attributes, its data as filters and templates see it.
 *
 * @throws {AppError} invalid, malformed_json, too_large
 */
export function eventWith(attributes: Attributes, data: Data): IncomingEvent {
  const event = eventOf(attributes);
  return { ...event, data: dataOf(event, data) };
}

function dataOf({ type, datacontenttype }: Omit<IncomingEvent, "data">, data: Data): unknown {
  const isDocumentChange = type.startsWith(DOCUMENT_CHANGES);
  if (!("bytes" in data)) {
    return isDocumentChange ? documentChangeOfJson(data.data) : (data.data ?? null);
  }
  if (!isDocumentChange) return contentOf(data.bytes, datacontenttype);
  return isJsonType(mediaTypeOf(datacontenttype))
    ? documentChangeOfJson(jsonOf(data.bytes))
    : documentChange(data.bytes);
}
