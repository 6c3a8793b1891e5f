import { transact } from "../dispatch.ts";
import { toMilliseconds } from "../duration.ts";
import { startPushing } from "../push.ts";
import { dropExpired } from "../retention.ts";
import { refuseUpdate, updatedFields } from "../rules.ts";
import type { PubsubState, Subscription } from "../state.ts";
import {
  pushConfigOf,
  type SubscriptionRequest,
  subscriptionConfig,
} from "../subscription-rules.ts";
import type { SubscriptionConfig } from "../types.ts";
import {
  checkSigner,
  closeConsumers,
  findSubscription,
  isPush,
  notPullable,
  shown,
} from "./subscriptions.ts";
import { findTopic } from "./topics.ts";

const MUTABLE_FIELDS: Record<string, keyof SubscriptionConfig> = {
  ack_deadline_seconds: "ackDeadlineSeconds",
  dead_letter_policy: "deadLetterPolicy",
  expiration_policy: "expirationPolicy",
  labels: "labels",
  message_retention_duration: "messageRetentionDuration",
  push_config: "pushConfig",
  retain_acked_messages: "retainAckedMessages",
  retry_policy: "retryPolicy",
};
const IMMUTABLE_FIELDS = [
  "name",
  "topic",
  "filter",
  "enable_message_ordering",
  "detached",
  "state",
];

/** Changes the fields that the mask names; one that is not given goes back to its default. */
export function updateSubscription(
  state: PubsubState,
  request: { subscription?: SubscriptionRequest; updateMask?: { paths?: string[] } },
): SubscriptionConfig {
  const { subscription: given = {}, updateMask } = request;
  const subscription = findSubscription(state, given.name);
  const changes = updatedFields("Subscription", updateMask).map((path) => {
    const field = MUTABLE_FIELDS[path];
    if (field === undefined) {
      throw refuseUpdate("Subscription", path, IMMUTABLE_FIELDS.includes(path));
    }
    return [field, given[field]];
  });
  const changed = { ...subscription.config, ...Object.fromEntries(changes) };
  configure(state, subscription, subscriptionConfig(changed));
  return shown(state, subscription);
}

export function modifyPushConfig(
  state: PubsubState,
  request: { subscription?: string; pushConfig?: SubscriptionRequest["pushConfig"] },
): object {
  const subscription = findSubscription(state, request.subscription);
  const pushConfig = pushConfigOf(request.pushConfig);
  configure(state, subscription, { ...subscription.config, pushConfig });
  return {};
}

function configure(
  state: PubsubState,
  subscription: Subscription,
  config: SubscriptionConfig,
): void {
  if (config.deadLetterPolicy) findTopic(state, config.deadLetterPolicy.deadLetterTopic);
  checkSigner(state, config);
  const wasPush = isPush(subscription);
  transact(state, () => {
    state.store.updateSubscription(subscription.id, config);
    if (config.retainAckedMessages || !subscription.config.retainAckedMessages) return;
    state.store.forgetRetained(subscription.id);
    state.store.dropUnneededMessages();
  });
  subscription.config = config;
  subscription.retentionMs = toMilliseconds(config.messageRetentionDuration);
  if (wasPush !== isPush(subscription)) {
    closeConsumers(subscription, notPullable());
    if (!wasPush) startPushing(state, subscription);
  }
  dropExpired(state, subscription);
}
