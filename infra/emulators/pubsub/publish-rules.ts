import { invalid } from "./rules.ts";
import type { PublishedMessage } from "./types.ts";

const MOST_MESSAGES = 1000;
const MOST_REQUEST_BYTES = 10_000_000;
const MOST_PAYLOAD_BYTES = 10_485_760;
const MOST_ATTRIBUTES = 100;
const MOST_KEY_BYTES = 256;
const MOST_VALUE_BYTES = 1024;
const MOST_ORDERING_KEY_BYTES = 1024;

/** `google.pubsub.v1.PublishRequest`. */
export interface PublishRequest {
  topic?: string;
  messages?: PublishedMessage[];
}

/**
 * Checks a publish as a whole: one bad message refuses all.
 *
 * @throws {GoogleError} INVALID_ARGUMENT with Google's text.
 * @see https://cloud.google.com/pubsub/quotas
 */
export function checkPublish({ topic = "", messages = [] }: PublishRequest): void {
  checkCount(messages.length);
  checkRequestSize(sizeOfRequest(topic, messages));
  for (const message of messages) checkMessage(message);
  const keys = new Set(messages.map(({ orderingKey = "" }) => orderingKey));
  if (keys.size > 1) {
    throw invalid(
      "In a single publish request, all messages must have no ordering key or they must all have the same ordering key.",
    );
  }
}

function checkCount(count: number): void {
  if (count === 0) {
    throw invalid(
      "The value for message_count is too small. You passed 0 in the request, but the minimum value is 1.",
    );
  }
  if (count > MOST_MESSAGES) throw tooLarge("message_count", count, MOST_MESSAGES);
}

function checkRequestSize(sizeBytes: number): void {
  if (sizeBytes > MOST_PAYLOAD_BYTES) {
    throw invalid(`Request payload size exceeds the limit: ${MOST_PAYLOAD_BYTES} bytes.`);
  }
  if (sizeBytes > MOST_REQUEST_BYTES) throw tooLarge("request_size", sizeBytes, MOST_REQUEST_BYTES);
}

function checkMessage({ data, attributes = {}, orderingKey = "" }: PublishedMessage): void {
  const entries = Object.entries(attributes);
  if ((data?.length ?? 0) === 0 && entries.length === 0) {
    throw invalid(
      "One or more messages in the publish request is empty. Each message must contain either non-empty data, or at least one attribute.",
    );
  }
  if (entries.length > MOST_ATTRIBUTES) {
    // Differs: the wording for too many attributes is ours; Google's is not known.
    throw tooLarge("num_attributes", entries.length, MOST_ATTRIBUTES);
  }
  for (const [key, value] of entries) checkAttribute(key, value);
  const keyBytes = Buffer.byteLength(orderingKey);
  if (keyBytes > MOST_ORDERING_KEY_BYTES) {
    // Differs: the wording for too long an ordering key is ours; Google's is not known.
    throw tooLarge("ordering_key size", keyBytes, MOST_ORDERING_KEY_BYTES);
  }
}

function checkAttribute(key: string, value: string): void {
  // Differs: the wording for an attribute key that is empty or reserved is ours; Google's is not
  // known.
  if (key === "") throw invalid("One of the attributes in the request has an empty key.");
  if (key.startsWith("goog") && !key.startsWith("googclient_")) {
    throw invalid(
      `One of the attributes in the request has a reserved key (key=${key}): keys must not begin with "goog".`,
    );
  }
  checkAttributePart("key", Buffer.byteLength(key), MOST_KEY_BYTES);
  checkAttributePart("value", Buffer.byteLength(value), MOST_VALUE_BYTES);
}

function checkAttributePart(part: string, sizeBytes: number, most: number): void {
  if (sizeBytes <= most) return;
  throw invalid(
    `One of the attributes in the request has a ${part} that is too long. The length is ${sizeBytes} characters, but the maximum allowed is ${most}. Refer to https://cloud.google.com/pubsub/quotas for more information.`,
  );
}

function tooLarge(what: string, value: number, most: number): Error {
  return invalid(
    `The value for ${what} is too large. You passed ${value} in the request, but the maximum value is ${most}.`,
  );
}

/** The bytes of the request in the wire's encoding, which is what Google's limits count. */
function sizeOfRequest(topic: string, messages: PublishedMessage[]): number {
  let sizeBytes = sizeOfField(Buffer.byteLength(topic));
  for (const message of messages) sizeBytes += sizeOfField(sizeOfMessage(message));
  return sizeBytes;
}

function sizeOfMessage({ data, attributes = {}, orderingKey = "" }: PublishedMessage): number {
  let sizeBytes = data?.length ? sizeOfField(data.length) : 0;
  if (orderingKey !== "") sizeBytes += sizeOfField(Buffer.byteLength(orderingKey));
  for (const [key, value] of Object.entries(attributes)) {
    const keyBytes = sizeOfField(Buffer.byteLength(key));
    sizeBytes += sizeOfField(keyBytes + sizeOfField(Buffer.byteLength(value)));
  }
  return sizeBytes;
}

/** A field of so many bytes: one byte of tag, the length as a varint, the bytes. */
function sizeOfField(sizeBytes: number): number {
  const lengthBytes = Math.max(1, Math.ceil((32 - Math.clz32(sizeBytes)) / 7));
  return 1 + lengthBytes + sizeBytes;
}
