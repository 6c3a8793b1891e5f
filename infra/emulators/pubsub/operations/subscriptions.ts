import { randomUUID } from "node:crypto";
import { GoogleError } from "../../wire/status.ts";
import { transact } from "../dispatch.ts";
import { toMilliseconds, type WireTimestamp } from "../duration.ts";
import { alreadyExists, checkProject, notFound, parseName } from "../names.ts";
import { startPushing } from "../push.ts";
import { dropBacklog, dropExpired, loadBacklog } from "../retention.ts";
import { invalidArgument, type PageRequest, pageOf, unsupported } from "../rules.ts";
import type { PubsubState, Subscription } from "../state.ts";
import { createSubscription as newSubscription } from "../state.ts";
import {
  attributesFilter,
  type SubscriptionRequest,
  subscriptionConfig,
} from "../subscription-rules.ts";
import type { SubscriptionConfig } from "../types.ts";
import { findTopic } from "./topics.ts";

export function createSubscription(
  state: PubsubState,
  request: SubscriptionRequest,
): SubscriptionConfig {
  const { project } = parseName("topics", request.topic);
  const name = request.name || `projects/${project}/subscriptions/sub-${randomUUID()}`;
  parseName("subscriptions", name);
  const config = subscriptionConfig({ ...request, name, detached: false });
  const passesFilter = attributesFilter(config.filter ?? "");
  checkSigner(state, config);
  if (state.subscriptions.has(name)) throw alreadyExists(name);
  const topic = findTopic(state, config.topic);
  if (config.deadLetterPolicy) findTopic(state, config.deadLetterPolicy.deadLetterTopic);
  const retentionMs = toMilliseconds(config.messageRetentionDuration);
  const id = state.store.insertSubscription(config);
  const subscription = newSubscription(id, config, { passesFilter, retentionMs });
  state.subscriptions.set(name, subscription);
  topic.subscriptions.add(subscription);
  if (isPush(subscription)) startPushing(state, subscription);
  return shown(state, subscription);
}

/** Differs: where nobody signs ID tokens a push that asks for one is refused. */
export function checkSigner({ idToken }: PubsubState, { pushConfig }: SubscriptionConfig): void {
  if (pushConfig.oidcToken && !idToken) throw unsupported("PushConfig.oidcToken");
}

export function getSubscription(
  state: PubsubState,
  request: { subscription?: string },
): SubscriptionConfig {
  return shown(state, findSubscription(state, request.subscription));
}

export function listSubscriptions(
  state: PubsubState,
  request: PageRequest & { project?: string },
): { subscriptions: SubscriptionConfig[]; nextPageToken: string } {
  const prefix = `${checkProject(request.project)}/subscriptions/`;
  const configs = [...state.subscriptions.values()].map((one) => shown(state, one));
  const owned = configs.filter(({ name }) => name.startsWith(prefix));
  const { items, nextPageToken } = pageOf(owned, ({ name }) => name, request);
  return { subscriptions: items, nextPageToken };
}

/** Drops what it has not delivered; open streams end with NOT_FOUND. */
export function deleteSubscription(state: PubsubState, request: { subscription?: string }): object {
  const subscription = findSubscription(state, request.subscription);
  const { name, topic } = subscription.config;
  transact(state, () => {
    dropBacklog(state, subscription);
    state.store.deleteSubscription(subscription.id);
  });
  state.subscriptions.delete(name);
  state.topics.get(topic)?.subscriptions.delete(subscription);
  closeConsumers(subscription, notFound(name));
  return {};
}

/** Drops what it has not delivered; it receives nothing more, and nobody may pull from it. */
export function detachSubscription(state: PubsubState, request: { subscription?: string }): object {
  const subscription = findSubscription(state, request.subscription);
  const config = { ...subscription.config, detached: true };
  transact(state, () => {
    state.store.updateSubscription(subscription.id, config);
    dropBacklog(state, subscription);
  });
  subscription.config = config;
  state.topics.get(subscription.config.topic)?.subscriptions.delete(subscription);
  closeConsumers(subscription, isDetached(subscription));
  return {};
}

/**
 * Marks what was published before a time as acknowledged, and what was published later as not. What
 * was acknowledged comes back only if the subscription retains acknowledged messages.
 */
export function seek(
  state: PubsubState,
  request: { subscription?: string; time?: WireTimestamp; snapshot?: string },
): object {
  const subscription = findSubscription(state, request.subscription);
  if (request.snapshot !== undefined) throw unsupported("SeekRequest.snapshot");
  if (request.time === undefined) throw invalidArgument("target");
  const timeMs = toMilliseconds(request.time);
  dropExpired(state, subscription);
  transact(state, () => {
    state.store.seekDeliveries(subscription.id, timeMs);
    if (!subscription.config.retainAckedMessages) {
      state.store.forgetRetained(subscription.id);
      state.store.dropUnneededMessages();
    }
    loadBacklog(state, subscription);
    state.touched.add(subscription);
  });
  return {};
}

/** Throws NOT_FOUND, or INVALID_ARGUMENT for what is no subscription's name. */
export function findSubscription(state: PubsubState, name = ""): Subscription {
  parseName("subscriptions", name);
  const subscription = state.subscriptions.get(name);
  if (subscription === undefined) throw notFound(name);
  return subscription;
}

/** Throws FAILED_PRECONDITION for a subscription that pushes or is detached. */
export function checkPullable(subscription: Subscription): void {
  if (subscription.config.detached) throw isDetached(subscription);
  if (isPush(subscription)) throw notPullable();
}

export function isPush({ config }: Subscription): boolean {
  return Boolean(config.pushConfig.pushEndpoint) && !config.detached;
}

export function notPullable(): GoogleError {
  const message = "This method is not supported for this subscription type.";
  return new GoogleError("FAILED_PRECONDITION", message);
}

/** Ends whoever receives, with this error if they wait for an answer. */
export function closeConsumers(subscription: Subscription, error?: GoogleError): void {
  for (const consumer of [...subscription.consumers]) consumer.close(error);
}

/** The subscription as the API shows it. */
export function shown(state: PubsubState, { config }: Subscription): SubscriptionConfig {
  const retention = state.topics.get(config.topic)?.config.messageRetentionDuration;
  return { ...config, ...(retention && { topicMessageRetentionDuration: retention }) };
}

function isDetached({ config }: Subscription): GoogleError {
  // Differs: the wording for a detached subscription is ours; Google's is not known.
  const message = `The subscription is detached from its topic (subscription=${config.name}).`;
  return new GoogleError("FAILED_PRECONDITION", message);
}
