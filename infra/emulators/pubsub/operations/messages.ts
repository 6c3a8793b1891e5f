import { acknowledgeMessages, failDelivery } from "../delivery.ts";
import { transact } from "../dispatch.ts";
import { startPull } from "../pull.ts";
import { acknowledgedMessages, leasedEntry } from "../received.ts";
import { invalid, invalidArgument } from "../rules.ts";
import type { PubsubState, Subscription } from "../state.ts";
import { checkAckDeadline } from "../subscription-rules.ts";
import type { ReceivedMessage } from "../types.ts";
import { checkPullable, findSubscription } from "./subscriptions.ts";

const LONGEST_WAIT_MS = 90_000;

export interface PullRequest {
  subscription?: string;
  returnImmediately?: boolean;
  maxMessages?: number;
}

/**
 * Answers with what there is, else (unless `returnImmediately`) with the next message to come, or
 * with none after 90 s. `onCancelled` is told what to do if the caller goes away before.
 */
export async function pull(
  state: PubsubState,
  request: PullRequest,
  onCancelled: (giveUp: () => void) => void,
): Promise<{ receivedMessages: ReceivedMessage[] }> {
  const subscription = findSubscription(state, request.subscription);
  checkPullable(subscription);
  const { maxMessages = 0, returnImmediately = false } = request;
  if (maxMessages <= 0) throw invalidArgument("max_messages");
  const waiting = startPull(state, subscription, maxMessages);
  if (returnImmediately) waiting.answer();
  onCancelled(() => waiting.consumer.close());
  const stopWaiting = state.clock.setTimeout(() => waiting.answer(), LONGEST_WAIT_MS);
  try {
    return { receivedMessages: await waiting.answered };
  } finally {
    stopWaiting();
  }
}

/** An expired ack id acknowledges as well, as long as the message is there. */
export function acknowledge(
  state: PubsubState,
  request: { subscription?: string; ackIds?: string[] },
): object {
  const subscription = findSubscription(state, request.subscription);
  const ackIds = givenAckIds(request.ackIds);
  acknowledgeMessages(state, subscription, acknowledgedMessages(subscription, ackIds));
  return {};
}

/** 0 seconds is a nack. Leases that are over are not changed. */
export function modifyAckDeadline(
  state: PubsubState,
  request: { subscription?: string; ackIds?: string[]; ackDeadlineSeconds?: number },
): object {
  const seconds = request.ackDeadlineSeconds ?? 0;
  const subscription = findSubscription(state, request.subscription);
  const changes = givenAckIds(request.ackIds).map((ackId) => ({ ackId, seconds }));
  changeDeadlines(state, subscription.config.name, changes);
  return {};
}

/** Gives each lease its new end, counted from now; all or, if one is malformed, none. */
export function changeDeadlines(
  state: PubsubState,
  subscriptionName: string,
  changes: { ackId: string; seconds: number }[],
): void {
  const subscription = findSubscription(state, subscriptionName);
  for (const { seconds } of changes) checkAckDeadline(seconds, 0);
  for (const { ackId } of changes) leasedEntry(state, subscription, ackId);
  transact(state, () => {
    for (const change of changes) changeDeadline(state, subscription, change);
  });
}

function changeDeadline(
  state: PubsubState,
  subscription: Subscription,
  { ackId, seconds }: { ackId: string; seconds: number },
): void {
  const entry = leasedEntry(state, subscription, ackId);
  if (entry === undefined) return;
  if (seconds === 0) failDelivery(state, entry);
  else state.entryAgenda.schedule(entry, state.clock.now() + seconds * 1000);
}

function givenAckIds(ackIds: string[] = []): string[] {
  if (ackIds.length === 0) throw invalid("You have not specified an ack ID in the request.");
  return ackIds;
}
