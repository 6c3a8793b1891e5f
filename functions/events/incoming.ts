import { AppError } from "../../shared/errors.ts";
import type { IncomingEvent } from "../../shared/triggers/incoming-event.ts";
import { faulty } from "./attributes.ts";
import { contentOf, guessedContent, jsonOf, mediaTypeOf } from "./content.ts";
import { type Arrived, attributesOf, eventWith, httpEvent, structuredEvent } from "./http-event.ts";

/** What Eventarc calls a message of Pub/Sub. */
const MESSAGE_PUBLISHED = "google.cloud.pubsub.topic.v1.messagePublished";
/** What we call a call of Scheduler's that carries no event. */
const JOB_EXECUTED = "google.cloud.scheduler.job.v1.executed";

/**
 * The event that a request to us carries: a CloudEvent in HTTP's binary or structured mode, as
 * Eventarc sends them too; a push of Pub/Sub, see {@link pushedEvent}; a call of Cloud Scheduler.
 *
 * @throws {AppError} malformed_json, invalid, too_large, unsupported_media_type: repeating it does
 * not help
 */
export function incomingEvent(arrived: Arrived): IncomingEvent {
  const event = httpEvent(arrived);
  if (event !== undefined)
    return event.type === MESSAGE_PUBLISHED ? withPlainMessage(event) : event;
  const { headers, body } = arrived;
  if (headers["x-cloudscheduler"] !== undefined) return scheduledEvent(arrived);
  if (mediaTypeOf(headers["content-type"]) === "application/json") {
    const push = jsonOf(body);
    if (isObject(push) && isObject(push["message"])) {
      return pushedEvent(push, /\/(projects\/[^/]+\/topics\/[^/?]+)/.exec(arrived.path ?? "")?.[1]);
    }
  }
  const detail =
    "this is no event: send a CloudEvent (with ce-specversion and its other headers, or as " +
    "application/cloudevents+json) or push a message of Pub/Sub";
  throw new AppError("invalid", { detail });
}

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * The event of a push of Pub/Sub: the CloudEvent that the message carries in binary or structured
 * mode, or else the message as one, of Eventarc's type, with its data read as JSON or text.
 *
 * @param push `{message, subscription}`
 * @param topic `projects/P/topics/T`; a push itself does not say it
 * @throws {AppError} malformed_json, invalid, too_large, unsupported_media_type
 * @see https://github.com/googleapis/google-cloudevents/blob/main/docs/spec/pubsub.md
 */
function pushedEvent({ message, subscription }: Fields, topic?: string): IncomingEvent {
  if (!isObject(message)) throw faulty("message", "is missing: this is no push of Pub/Sub");
  const attributes = isObject(message["attributes"]) ? message["attributes"] : {};
  const bytes = bytesOf(message);
  const contentType = textOr(attributes["content-type"]);
  const mediaType = mediaTypeOf(contentType);
  if (mediaType.startsWith("application/cloudevents")) return structuredEvent(bytes, mediaType);
  if (attributes["ce-specversion"] !== undefined) {
    const given = attributesOf(attributes, "ce-", (value) => value);
    return eventWith({ ...given, datacontenttype: contentType }, { bytes });
  }
  const published = {
    specversion: "1.0",
    id: message["messageId"] ?? message["message_id"],
    source: `//pubsub.googleapis.com/${topic ?? textOr(subscription) ?? "-"}`,
    type: MESSAGE_PUBLISHED,
    time: message["publishTime"] ?? message["publish_time"],
    datacontenttype: "application/json",
  };
  const data = { message: plainMessage(message), subscription: subscription ?? null };
  return eventWith(published, { data });
}

const textOr = (value: unknown): string | undefined =>
  typeof value === "string" ? value : undefined;

/** What Eventarc made of a message: its data is read, as that of one which is pushed. */
function withPlainMessage(event: IncomingEvent): IncomingEvent {
  const data = isObject(event.data) ? event.data : {};
  if (!isObject(data["message"])) return event;
  return { ...event, data: { ...data, message: plainMessage(data["message"]) } };
}

/** A message with what filters and templates look at, each by one name. */
function plainMessage(message: Fields) {
  const attributes = isObject(message["attributes"]) ? message["attributes"] : {};
  const contentType = textOr(attributes["content-type"]);
  const bytes = bytesOf(message);
  return {
    data: contentType === undefined ? guessedContent(bytes) : contentOf(bytes, contentType),
    attributes,
    messageId: message["messageId"] ?? message["message_id"] ?? null,
    publishTime: message["publishTime"] ?? message["publish_time"] ?? null,
    orderingKey: message["orderingKey"] ?? null,
  };
}

function bytesOf({ data = "" }: Fields): Buffer {
  if (typeof data === "string" && /^[A-Za-z0-9+/]*={0,2}$/.test(data)) {
    return Buffer.from(data, "base64");
  }
  throw faulty("message", "has data that is no base64");
}

/**
 * A call of Cloud Scheduler to us: the job's name and the time for which it was made are the id, so
 * that a call which is repeated is the same event.
 *
 * @see https://cloud.google.com/scheduler/docs/reference/rpc/google.cloud.scheduler.v1#httptarget
 */
function scheduledEvent({ headers, body }: Arrived): IncomingEvent {
  const job = headers["x-cloudscheduler-jobname"];
  const time = headers["x-cloudscheduler-scheduletime"];
  const attributes = {
    specversion: "1.0",
    id: time === undefined ? undefined : `${job}/${time}`,
    source: `//cloudscheduler.googleapis.com/jobs/${job}`,
    type: JOB_EXECUTED,
    subject: job,
    time,
    datacontenttype: headers["content-type"],
  };
  const event = eventWith(attributes, { data: null });
  const contentType = headers["content-type"];
  const data = contentType === undefined ? guessedContent(body) : contentOf(body, contentType);
  return { ...event, data };
}
