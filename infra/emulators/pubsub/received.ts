import { GoogleError } from "../wire/status.ts";
import { toTimestamp } from "./duration.ts";
import type { Entry, PubsubState, Subscription } from "./state.ts";
import type { ReceivedMessage } from "./types.ts";

const ACK_ID = /^(\d+)\.(\d+)\.([^.]+)\.(\d+)$/;

/** What an ack id says: one delivery of one message by one process. */
interface Delivery {
  subscriptionId: number;
  messageId: number;
  processId: string;
  delivery: number;
}

/** The leased message in the form in which pulls and streams hand it over. */
export function receivedMessage(state: PubsubState, entry: Entry): ReceivedMessage {
  const { data, attributes, orderingKey, publishedAtMs } = state.store.readMessage(entry.messageId);
  const { subscription, messageId, deliveries } = entry;
  const ackId = `${subscription.id}.${messageId}.${state.processId}.${deliveries}`;
  return {
    ackId: Buffer.from(ackId).toString("base64url"),
    message: {
      data,
      attributes,
      messageId: String(messageId),
      publishTime: toTimestamp(publishedAtMs),
      orderingKey,
    },
    deliveryAttempt: deliveryAttempt(entry),
  };
}

/**
 * 1 + nacks + missed deadlines; 0 (that is, absent) unless the subscription has a dead letter
 * policy.
 */
export function deliveryAttempt({ subscription, failures }: Entry): number {
  return subscription.config.deadLetterPolicy === undefined ? 0 : failures + 1;
}

/**
 * The ids of the messages that ack ids stand for. Ids of earlier deliveries count too.
 *
 * @throws {GoogleError} INVALID_ARGUMENT if one was never issued for this kind of request.
 */
export function acknowledgedMessages(subscription: Subscription, ackIds: string[]): number[] {
  return ackIds
    .map(parseAckId)
    .filter(({ subscriptionId }) => subscriptionId === subscription.id)
    .map(({ messageId }) => messageId);
}

/** The entry whose present lease the ack id names, if that lease still holds. */
export function leasedEntry(
  state: PubsubState,
  subscription: Subscription,
  ackId: string,
): Entry | undefined {
  const { subscriptionId, messageId, processId, delivery } = parseAckId(ackId);
  if (subscriptionId !== subscription.id || processId !== state.processId) return undefined;
  const entry = subscription.entries.get(messageId);
  return entry?.status === "leased" && entry.deliveries === delivery ? entry : undefined;
}

function parseAckId(ackId: string): Delivery {
  const [, subscriptionId, messageId, processId, delivery] =
    ACK_ID.exec(Buffer.from(ackId, "base64url").toString()) ?? [];
  if (processId === undefined) {
    const message = `You have passed an invalid ack ID to the service (ack_id=${ackId}).`;
    throw new GoogleError("INVALID_ARGUMENT", message);
  }
  return {
    subscriptionId: Number(subscriptionId),
    messageId: Number(messageId),
    processId,
    delivery: Number(delivery),
  };
}
