import { attach, detach } from "./dispatch.ts";
import { receivedMessage } from "./received.ts";
import type { Consumer, Entry, PubsubState, Subscription } from "./state.ts";
import type { ReceivedMessage } from "./types.ts";

const MAX_MESSAGES = 1000;
const MAX_RESPONSE_BYTES = 10_000_000;

/** A pull that has not been answered. */
export interface WaitingPull {
  consumer: Consumer;
  /** Resolves when there are messages, or without any at `answer`. */
  answered: Promise<ReceivedMessage[]>;
  /** Answers with what there is, if it is not answered. */
  answer(): void;
}

/** Receives what there is, up to `maxMessages`, or the next message to come. */
export function startPull(
  state: PubsubState,
  subscription: Subscription,
  maxMessages: number,
): WaitingPull {
  const given: Entry[] = [];
  const limit = Math.min(maxMessages, MAX_MESSAGES);
  const { promise, resolve, reject } = Promise.withResolvers<ReceivedMessage[]>();
  let sizeBytes = 0;
  let isOpen = true;

  function answer(): void {
    if (!isOpen) return;
    isOpen = false;
    detach(subscription, consumer);
    resolve(given.map((entry) => receivedMessage(state, entry)));
  }
  const consumer: Consumer = {
    ackDeadlineMs: subscription.config.ackDeadlineSeconds * 1000,
    laneLimit: Number.POSITIVE_INFINITY,
    hasRoom: () => isOpen && given.length < limit && sizeBytes < MAX_RESPONSE_BYTES,
    deliver(entry) {
      given.push(entry);
      sizeBytes += entry.sizeBytes;
    },
    flush() {
      if (given.length > 0) answer();
    },
    release() {},
    close(error) {
      isOpen = false;
      detach(subscription, consumer);
      if (error === undefined) resolve([]);
      else reject(error);
    },
  };
  attach(state, subscription, consumer);
  return { consumer, answered: promise, answer };
}
