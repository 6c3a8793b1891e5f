import { deadLetterAttributes, isExhausted } from "./dead-letter.ts";
import { endLease, transact } from "./dispatch.ts";
import { laneOf, rewindLane, settleInLane } from "./lanes.ts";
import { backoffMs } from "./retry.ts";
import type { Entry, PubsubState, Subscription, Topic } from "./state.ts";
import { DELIVERY_STATE, type DeliveryRow } from "./store.ts";
import type { PublishedMessage, StoredMessage } from "./types.ts";

/**
 * Publishes to a topic: each message is stored once, with a row for every subscription whose filter
 * it passes. Returns the ids. Call only inside `transact`.
 */
export function publishMessages(
  state: PubsubState,
  topic: Topic,
  messages: PublishedMessage[],
): string[] {
  return messages.map((published) => {
    const message = withId(state, published);
    const receivers = [...topic.subscriptions].filter((subscription) =>
      subscription.passesFilter(message.attributes),
    );
    if (receivers.length > 0) storeMessage(state, message, receivers);
    return String(message.id);
  });
}

/** Ids look like Google's (16 digits), rise, and do not come back when the directory is deleted. */
function withId(state: PubsubState, published: PublishedMessage): StoredMessage {
  const publishedAtMs = Math.floor(state.clock.now());
  state.lastMessageId = Math.max(state.lastMessageId + 1, publishedAtMs * 1000);
  return {
    id: state.lastMessageId,
    data: published.data ?? Buffer.alloc(0),
    attributes: published.attributes ?? {},
    orderingKey: published.orderingKey ?? "",
    publishedAtMs,
  };
}

function storeMessage(state: PubsubState, message: StoredMessage, receivers: Subscription[]): void {
  const { id, orderingKey, publishedAtMs } = message;
  const sizeBytes = message.data.length + Buffer.byteLength(JSON.stringify(message.attributes));
  state.store.insertMessage(message, sizeBytes);
  for (const subscription of receivers) {
    state.store.insertDelivery(subscription.id, id);
    const row = { message: id, failures: 0, notBeforeMs: 0, orderingKey, publishedAtMs, sizeBytes };
    addEntry(state, subscription, row);
    state.touched.add(subscription);
  }
}

/** Makes a stored message deliverable, at once or at the end of its backoff. */
export function addEntry(state: PubsubState, subscription: Subscription, row: DeliveryRow): void {
  const isOrdered = Boolean(subscription.config.enableMessageOrdering) && row.orderingKey !== "";
  const lane = isOrdered ? laneOf(subscription, row.orderingKey) : undefined;
  const entry: Entry = {
    subscription,
    messageId: row.message,
    lane,
    sizeBytes: row.sizeBytes,
    publishedAtMs: row.publishedAtMs,
    failures: row.failures,
    deliveries: 0,
    status: "ready",
    consumer: undefined,
    wakeAtMs: Number.POSITIVE_INFINITY,
  };
  subscription.entries.set(entry.messageId, entry);
  lane?.entries.push(entry);
  makeDeliverable(state, entry, row.notBeforeMs);
  if (subscription.wakeAtMs === Number.POSITIVE_INFINITY) {
    state.retentionAgenda.schedule(subscription, row.publishedAtMs + subscription.retentionMs);
  }
}

function makeDeliverable(state: PubsubState, entry: Entry, notBeforeMs: number): void {
  const { lane, subscription } = entry;
  const mustWait = notBeforeMs > state.clock.now();
  entry.status = mustWait ? "waiting" : "ready";
  if (mustWait) state.entryAgenda.schedule(entry, notBeforeMs);
  if (lane === undefined) {
    if (!mustWait) subscription.ready.items.push(entry);
    return;
  }
  if (mustWait) lane.isWaiting = true;
  else subscription.readyLanes.add(lane);
}

/** Acknowledges messages of a subscription; those that are not its, or no longer, are ignored. */
export function acknowledgeMessages(
  state: PubsubState,
  subscription: Subscription,
  messageIds: number[],
): void {
  transact(state, () => {
    for (const messageId of messageIds) {
      const entry = subscription.entries.get(messageId);
      if (entry !== undefined) settle(state, entry);
    }
  });
}

/** The end of an entry on its subscription. Call only inside `transact`. */
export function settle(state: PubsubState, entry: Entry): void {
  if (entry.status === "held") return;
  state.touched.add(entry.subscription);
  endLease(state, entry);
  const settled = entry.lane ? settleInLane(state, entry, entry.lane) : [entry];
  for (const done of settled) forget(state, done);
}

function forget(state: PubsubState, entry: Entry): void {
  const { subscription, messageId } = entry;
  entry.status = "gone";
  subscription.entries.delete(messageId);
  if (subscription.config.retainAckedMessages) {
    state.store.markDelivery(subscription.id, messageId, DELIVERY_STATE.RETAINED);
    return;
  }
  state.store.deleteDelivery(subscription.id, messageId);
  state.store.dropUnneededMessage(messageId);
}

/**
 * A delivery did not end in an acknowledgement: nacked, late, or its push failed. The message is
 * delivered again after its backoff, or forwarded to the dead letter topic if this was its last
 * attempt. Call only inside `transact`, for a leased entry.
 */
export function failDelivery(state: PubsubState, entry: Entry): void {
  const { subscription, lane } = entry;
  state.touched.add(subscription);
  endLease(state, entry);
  entry.failures++;
  if (isExhausted(entry) && forwardToDeadLetterTopic(state, entry)) return;
  const delayMs = backoffMs(subscription.config.retryPolicy, entry.failures);
  const notBeforeMs = Math.ceil(state.clock.now() + delayMs);
  const { messageId: message, failures } = entry;
  state.store.failDelivery(subscription.id, { message, failures, notBeforeMs });
  if (lane !== undefined) rewindLane(state, entry, lane);
  makeDeliverable(state, entry, notBeforeMs);
}

/** Returns whether the topic is there to take the message; if not, delivery goes on. */
function forwardToDeadLetterTopic(state: PubsubState, entry: Entry): boolean {
  const policy = entry.subscription.config.deadLetterPolicy;
  const topic = state.topics.get(policy?.deadLetterTopic ?? "");
  if (topic === undefined) return false;
  const { data, attributes, orderingKey } = state.store.readMessage(entry.messageId);
  const added = deadLetterAttributes(entry);
  publishMessages(state, topic, [{ data, orderingKey, attributes: { ...attributes, ...added } }]);
  settle(state, entry);
  return true;
}

/** The agenda's call: a lease ended without an answer, or a backoff is over. */
export function wakeEntry(state: PubsubState, entry: Entry): void {
  if (entry.status === "leased") {
    transact(state, () => failDelivery(state, entry));
  } else if (entry.status === "waiting") {
    transact(state, () => {
      if (entry.lane !== undefined) entry.lane.isWaiting = false;
      makeDeliverable(state, entry, 0);
      state.touched.add(entry.subscription);
    });
  }
}
