import { timestampJson } from "./duration.ts";
import type { StoredMessage } from "./types.ts";

/** What a push tells besides the message; `deliveryAttempt` 0 is left out. */
export interface PushContext {
  subscription: string;
  deliveryAttempt: number;
}

/**
 * The JSON body of a push: ids and times in both spellings; `attributes`, `data`, `orderingKey` and
 * `deliveryAttempt` are left out when empty; `data` in base64.
 *
 * @see https://cloud.google.com/pubsub/docs/push#receive_push
 */
export function pushBody(message: StoredMessage, context: PushContext): string {
  const { attributes, data, orderingKey } = message;
  const messageId = String(message.id);
  const publishTime = timestampJson(message.publishedAtMs);
  return JSON.stringify({
    ...(context.deliveryAttempt > 0 && { deliveryAttempt: context.deliveryAttempt }),
    message: {
      ...(Object.keys(attributes).length > 0 && { attributes }),
      ...(data.length > 0 && { data: data.toString("base64") }),
      messageId,
      message_id: messageId,
      ...(orderingKey !== "" && { orderingKey }),
      publishTime,
      publish_time: publishTime,
    },
    subscription: context.subscription,
  });
}
