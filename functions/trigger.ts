import type { CloudEvent } from "@google-cloud/functions-framework";
import { AppError } from "../shared/errors.ts";
import { TRACE_ATTRIBUTE } from "../shared/names.ts";
import { type TraceContext, traceContextOf } from "../shared/run/trace.ts";
import { truncateUtf8 } from "../shared/text.ts";
import { type DeadMessage, keepDeadLetter } from "./attempts/keep-dead-letter.ts";
import { describeError } from "./log.ts";
import type { Services } from "./services/services.ts";

/** What functions-framework hands on of a Pub/Sub push: the message under `message`. */
interface PushedMessage {
  message?: { data?: string; messageId?: string; attributes?: Record<string, string> };
}

/** What a message says beside its data. */
interface Sent {
  /** Where in a trace it was sent from; null: it does not say. */
  trace: TraceContext | null;
  attributes: Readonly<Record<string, string>>;
}

type Trigger = (event: CloudEvent<unknown>) => Promise<void>;

/** Pub/Sub's bound on an attribute is 1,024 bytes. */
const REASON_BYTES = 1000;

/**
 * Wraps a handler of Pub/Sub messages. What the handler throws is a nack, so the message comes
 * again and in the end goes to the dead letter topic; only an {@link AppError} whose code says that
 * repeating cannot help sends it there at once, with the reason. A message that is not JSON is of
 * the second kind. The handler is also told what else the message says.
 */
export function pubsubTrigger(
  services: Services,
  name: string,
  handle: (services: Services, message: unknown, sent: Sent) => Promise<void>,
): Trigger {
  return async (event) => {
    const { messageId, data, attributes } = messageOf(event);
    const trace = traceContextOf(attributes[TRACE_ATTRIBUTE]);
    try {
      await handle(services, decode(data), { trace, attributes });
    } catch (error) {
      const givesUp = error instanceof AppError && !error.retry;
      const reason = describeError(error);
      services.log(givesUp ? "ERROR" : "WARNING", `${name}: ${reason}`, { messageId, trace });
      if (!givesUp) throw error;
      await services.publisher.publishDeadLetter({
        data: Buffer.from(data, "base64"),
        reason: truncateUtf8(reason, REASON_BYTES),
        source: name,
        messageId,
      });
    } finally {
      // The process may be given no processor time once this is answered.
      await services.telemetry.flush();
    }
  };
}

/** Keeps each message of the dead letter topic; one that cannot be kept now comes again. */
export function deadLetterTrigger(services: Services): Trigger {
  return (event) => keepDeadLetter(services, messageOf(event));
}

function messageOf(event: CloudEvent<unknown>): DeadMessage {
  const { message = {} } = (event.data ?? event) as PushedMessage;
  const { messageId = event.id, data = "", attributes = {} } = message;
  return { messageId, data, attributes };
}

function decode(data: string): unknown {
  try {
    return JSON.parse(Buffer.from(data, "base64").toString("utf8"));
  } catch (error) {
    throw new AppError("malformed_json", {
      detail: "the message's data is not JSON",
      cause: error,
    });
  }
}
