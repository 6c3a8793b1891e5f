import { DISK_RETRY_MS } from "../wire/disk.ts";
import { addEntry, settle } from "./delivery.ts";
import { endLease, transact } from "./dispatch.ts";
import type { PubsubState, Subscription } from "./state.ts";

/**
 * Drops what is older than the subscription's retention, acknowledged or not, and asks to be woken
 * for the next oldest.
 */
export function dropExpired(state: PubsubState, subscription: Subscription): void {
  const untilMs = state.clock.now() - subscription.retentionMs;
  transact(state, () => {
    for (const entry of subscription.entries.values()) {
      if (entry.publishedAtMs > untilMs) break;
      settle(state, entry);
    }
    state.store.expireRetained(subscription.id, untilMs);
    if (subscription.config.retainAckedMessages) state.store.dropUnneededMessages();
  });
  const [oldest] = subscription.entries.values();
  if (oldest === undefined) state.retentionAgenda.cancel(subscription);
  else {
    const { publishedAtMs } = oldest;
    state.retentionAgenda.schedule(subscription, publishedAtMs + subscription.retentionMs);
  }
}

/**
 * Drops a subscription's whole backlog, retained messages included. Call only inside `transact`.
 */
export function dropBacklog(state: PubsubState, subscription: Subscription): void {
  state.touched.add(subscription);
  forgetEntries(state, subscription);
  state.store.deleteDeliveries(subscription.id);
  state.store.dropUnneededMessages();
}

/** Fills a subscription from the store; nothing is leased afterwards. */
export function loadBacklog(state: PubsubState, subscription: Subscription): void {
  forgetEntries(state, subscription);
  for (const row of state.store.deliveries(subscription.id)) addEntry(state, subscription, row);
}

/**
 * Fills a subscription from the store after a change that could not be stored. What it has is
 * delivered again a little later, so that a disk that stays full does not keep it delivering for
 * nothing.
 */
export function reloadBacklog(state: PubsubState, subscription: Subscription): void {
  const soonMs = state.clock.now() + DISK_RETRY_MS;
  forgetEntries(state, subscription);
  for (const row of state.store.deliveries(subscription.id)) {
    addEntry(state, subscription, { ...row, notBeforeMs: Math.max(row.notBeforeMs, soonMs) });
  }
  if (subscription.wakeAtMs < soonMs) state.retentionAgenda.schedule(subscription, soonMs);
}

function forgetEntries(state: PubsubState, subscription: Subscription): void {
  state.retentionAgenda.cancel(subscription);
  for (const entry of subscription.entries.values()) {
    endLease(state, entry);
    entry.status = "gone";
  }
  subscription.entries.clear();
  subscription.lanes.clear();
  subscription.readyLanes.clear();
  subscription.ready = { items: [], head: 0 };
}
