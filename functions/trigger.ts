import type { CloudEvent } from "@google-cloud/functions-framework";
import { AppError } from "../shared/errors.ts";
import { describeError } from "./log.ts";
import type { Services } from "./services/services.ts";

/** What functions-framework hands on of a Pub/Sub push: the message under `message`. */
interface PushedMessage {
  message?: { data?: string; messageId?: string };
}

/**
 * Wraps a handler of Pub/Sub messages. What the handler throws is a nack, so the message comes again
 * and in the end goes to the dead letter topic; only an {@link AppError} whose code says that repeating
 * cannot help is logged and acknowledged. A message that is not JSON is of the second kind.
 */
export function pubsubTrigger(
  services: Services,
  name: string,
  handle: (services: Services, message: unknown) => Promise<void>,
): (event: CloudEvent<unknown>) => Promise<void> {
  return async (event) => {
    const { message } = (event.data ?? event) as PushedMessage;
    const messageId = message?.messageId ?? event.id;
    try {
      await handle(services, decode(message?.data));
    } catch (error) {
      const givesUp = error instanceof AppError && !error.retry;
      services.log(givesUp ? "ERROR" : "WARNING", `${name}: ${describeError(error)}`, {
        messageId,
      });
      if (!givesUp) throw error;
    }
  };
}

function decode(data: string | undefined): unknown {
  try {
    return JSON.parse(Buffer.from(data ?? "", "base64").toString("utf8"));
  } catch (error) {
    throw new AppError("malformed_json", {
      detail: "the message's data is not JSON",
      cause: error,
    });
  }
}
