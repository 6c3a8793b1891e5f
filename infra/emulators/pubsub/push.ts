import { unlessDiskFull } from "../wire/disk.ts";
import { acknowledgeMessages, failDelivery } from "./delivery.ts";
import { attach, detach, dispatch, transact } from "./dispatch.ts";
import { pushBody } from "./push-body.ts";
import {
  closePushAgents,
  createPushAgents,
  type PushAgents,
  type PushOutcome,
  type PushRequest,
} from "./push-request.ts";
import { deliveryAttempt } from "./received.ts";
import { pushPauseMs } from "./retry.ts";
import type { Consumer, Entry, PubsubState, Subscription } from "./state.ts";

const FIRST_WINDOW = 3;
// Differs: Google's window grows to 3,000 pushes at a time; one machine is spared that.
const LARGEST_WINDOW = 100;

/**
 * The delivery of one push subscription.
 *
 * Slow start: `window` pushes are in flight at most; each acknowledged one widens it by one, each
 * failed one halves it. Failures in a row pause the whole subscription (`resume` is set while
 * paused).
 */
interface Pusher {
  state: PubsubState;
  subscription: Subscription;
  agents: PushAgents;
  inFlight: Map<Entry, PushRequest>;
  window: number;
  failuresInARow: number;
  resume: (() => void) | undefined;
  consumer: Consumer | undefined;
}

/** Starts to push a subscription's messages to its endpoint, until its consumer is closed. */
export function startPushing(state: PubsubState, subscription: Subscription): void {
  const pusher: Pusher = {
    state,
    subscription,
    agents: createPushAgents(),
    inFlight: new Map(),
    window: FIRST_WINDOW,
    failuresInARow: 0,
    resume: undefined,
    consumer: undefined,
  };
  pusher.consumer = createConsumer(pusher);
  attach(state, subscription, pusher.consumer);
}

function createConsumer(pusher: Pusher): Consumer {
  const { inFlight, subscription } = pusher;
  return {
    get ackDeadlineMs() {
      return subscription.config.ackDeadlineSeconds * 1000;
    },
    laneLimit: 1,
    hasRoom: () => pusher.resume === undefined && inFlight.size < pusher.window,
    deliver: (entry) => push(pusher, entry),
    flush() {},
    release(entry) {
      const request = inFlight.get(entry);
      if (request === undefined) return;
      request.abort();
      inFlight.delete(entry);
      noteFailure(pusher);
      closeIdleAgents(pusher);
    },
    close() {
      if (pusher.consumer !== undefined) detach(subscription, pusher.consumer);
      pusher.consumer = undefined;
      pusher.resume?.();
      closeIdleAgents(pusher);
    },
  };
}

/** A closed pusher still waits for the answers to what is in flight. */
function closeIdleAgents({ agents, consumer, inFlight }: Pusher): void {
  if (consumer === undefined && inFlight.size === 0) closePushAgents(agents);
}

function push(pusher: Pusher, entry: Entry): void {
  const { agents, inFlight, state, subscription } = pusher;
  const { name, pushConfig } = subscription.config;
  const body = pushBody(state.store.readMessage(entry.messageId), {
    subscription: name,
    deliveryAttempt: deliveryAttempt(entry),
  });
  const { pushEndpoint: endpoint = "", oidcToken } = pushConfig;
  const idToken = oidcToken && state.idToken?.({ audience: endpoint, ...oidcToken });
  const request = state.sendPush(agents, { endpoint, body, idToken }, (outcome) => {
    inFlight.delete(entry);
    // What cannot be stored is delivered again.
    unlessDiskFull(() => settlePush(pusher, entry, outcome));
    closeIdleAgents(pusher);
  });
  inFlight.set(entry, request);
}

function settlePush(pusher: Pusher, entry: Entry, outcome: PushOutcome): void {
  const { state, subscription } = pusher;
  if (outcome === "acknowledged") {
    pusher.window = Math.min(LARGEST_WINDOW, pusher.window + 1);
    pusher.failuresInARow = 0;
    acknowledgeMessages(state, subscription, [entry.messageId]);
  } else {
    noteFailure(pusher);
    transact(state, () => failDelivery(state, entry));
  }
}

function noteFailure(pusher: Pusher): void {
  const { state, subscription } = pusher;
  pusher.window = Math.max(1, Math.floor(pusher.window / 2));
  pusher.failuresInARow++;
  const pauseMs = pushPauseMs(pusher.failuresInARow);
  if (pauseMs === 0 || pusher.consumer === undefined) return;
  pusher.resume?.();
  pusher.resume = state.clock.setTimeout(() => {
    pusher.resume = undefined;
    dispatch(state, subscription);
  }, pauseMs);
}
