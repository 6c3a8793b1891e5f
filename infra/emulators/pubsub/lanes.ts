import { endLease } from "./dispatch.ts";
import type { Entry, Lane, PubsubState, Subscription } from "./state.ts";
import { DELIVERY_STATE } from "./store.ts";

/** The lane of an ordering key, made when its first message comes. */
export function laneOf(subscription: Subscription, key: string): Lane {
  let lane = subscription.lanes.get(key);
  if (lane === undefined) {
    lane = { key, entries: [], next: 0, consumer: undefined, leased: 0, isWaiting: false };
    subscription.lanes.set(key, lane);
  }
  return lane;
}

/**
 * Acknowledges an entry of a lane and returns what may now be forgotten: it and the acknowledged
 * ones right behind it, if nothing unacknowledged is before it. Otherwise it is held.
 */
export function settleInLane(state: PubsubState, entry: Entry, lane: Lane): Entry[] {
  if (entry.status === "waiting") lane.isWaiting = false;
  entry.status = "held";
  const firstOpen = lane.entries.findIndex((other) => other.status !== "held");
  const settled = lane.entries.splice(0, firstOpen < 0 ? lane.entries.length : firstOpen);
  lane.next = Math.max(0, lane.next - settled.length);
  if (settled.length === 0) {
    state.store.markDelivery(entry.subscription.id, entry.messageId, DELIVERY_STATE.HELD);
  }
  if (lane.entries.length === 0) entry.subscription.lanes.delete(lane.key);
  entry.subscription.readyLanes.add(lane);
  return settled;
}

/**
 * Goes back to a message that was nacked or late: every later one of its key is delivered again
 * after it, even an acknowledged one.
 *
 * @see https://cloud.google.com/pubsub/docs/ordering
 */
export function rewindLane(state: PubsubState, entry: Entry, lane: Lane): void {
  lane.next = lane.entries.indexOf(entry);
  lane.isWaiting = false;
  for (const later of lane.entries.slice(lane.next + 1)) {
    if (later.status === "held") {
      state.store.markDelivery(later.subscription.id, later.messageId, DELIVERY_STATE.OPEN);
    }
    endLease(state, later);
    later.status = "ready";
  }
}
