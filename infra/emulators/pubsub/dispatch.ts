import { inTransaction } from "../wire/database.ts";
import {
  type Consumer,
  type Entry,
  type Lane,
  type PubsubState,
  type Subscription,
  takeReady,
} from "./state.ts";

/**
 * Makes one durable change, then delivers what it made deliverable. `work` changes store and state
 * together and adds each subscription that it concerned to `state.touched`. If it fails, the store
 * has none of it, and these subscriptions are filled from the store again.
 */
export function transact<T>(state: PubsubState, work: () => T): T {
  try {
    return inTransaction(state.store.database, work);
  } catch (error) {
    for (const subscription of state.touched) state.reload(subscription);
    throw error;
  } finally {
    const touched = [...state.touched];
    state.touched.clear();
    for (const subscription of touched) dispatch(state, subscription);
  }
}

/** Gives a subscription's deliverable messages to its consumers, as far as these have room. */
export function dispatch(state: PubsubState, subscription: Subscription): void {
  if (subscription.consumers.length === 0) return;
  for (const lane of subscription.readyLanes) deliverLane(state, subscription, lane);
  let consumer = nextWithRoom(subscription);
  while (consumer !== undefined) {
    const entry = takeReady(subscription.ready);
    if (entry === undefined) break;
    lease(state, entry, consumer);
    consumer = nextWithRoom(subscription);
  }
  for (const served of [...subscription.consumers]) served.flush();
}

/** Starts to receive. */
export function attach(state: PubsubState, subscription: Subscription, consumer: Consumer): void {
  subscription.consumers.push(consumer);
  dispatch(state, subscription);
}

/** Stops to receive; what the consumer holds stays its until the deadline. */
export function detach(subscription: Subscription, consumer: Consumer): void {
  const index = subscription.consumers.indexOf(consumer);
  if (index >= 0) subscription.consumers.splice(index, 1);
}

function deliverLane(state: PubsubState, subscription: Subscription, lane: Lane): void {
  for (;;) {
    while (lane.entries[lane.next]?.status === "held") lane.next++;
    const entry = lane.entries[lane.next];
    if (entry === undefined || lane.isWaiting) {
      subscription.readyLanes.delete(lane);
      return;
    }
    const consumer = laneConsumer(subscription, lane);
    if (consumer === undefined) return;
    lane.next++;
    lease(state, entry, consumer);
  }
}

/** Who may get the next message of a lane: as long as somebody holds messages of it, only they. */
function laneConsumer(subscription: Subscription, lane: Lane): Consumer | undefined {
  const { consumer } = lane;
  if (consumer === undefined) return nextWithRoom(subscription);
  return lane.leased < consumer.laneLimit && consumer.hasRoom() ? consumer : undefined;
}

/** The consumers take turns; one without room loses its turn. */
function nextWithRoom(subscription: Subscription): Consumer | undefined {
  const { consumers } = subscription;
  for (let tried = 0; tried < consumers.length; tried++) {
    subscription.turn = (subscription.turn + 1) % consumers.length;
    const consumer = consumers[subscription.turn];
    if (consumer?.hasRoom()) return consumer;
  }
  return undefined;
}

function lease(state: PubsubState, entry: Entry, consumer: Consumer): void {
  entry.status = "leased";
  entry.consumer = consumer;
  entry.deliveries++;
  if (entry.lane !== undefined) {
    entry.lane.consumer = consumer;
    entry.lane.leased++;
  }
  state.entryAgenda.schedule(entry, state.clock.now() + consumer.ackDeadlineMs);
  consumer.deliver(entry);
}

/** Takes a leased or waiting entry's timer, consumer and place in its lane's count away. */
export function endLease(state: PubsubState, entry: Entry): void {
  state.entryAgenda.cancel(entry);
  const { consumer, lane } = entry;
  if (consumer === undefined) return;
  entry.consumer = undefined;
  if (lane !== undefined) {
    lane.leased--;
    if (lane.leased === 0) lane.consumer = undefined;
  }
  consumer.release(entry);
}
