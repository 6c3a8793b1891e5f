import { parseName } from "./names.ts";
import type { Entry } from "./state.ts";

/** Whether a message has used up the attempts that its subscription's dead letter policy grants. */
export function isExhausted({ failures, subscription }: Entry): boolean {
  const policy = subscription.config.deadLetterPolicy;
  return policy !== undefined && failures >= policy.maxDeliveryAttempts;
}

/**
 * What Pub/Sub adds to the attributes of a message that it forwards.
 *
 * @see https://cloud.google.com/pubsub/docs/handling-failures
 */
export function deadLetterAttributes(entry: Entry): Record<string, string> {
  const { project, id } = parseName("subscriptions", entry.subscription.config.name);
  return {
    CloudPubSubDeadLetterSourceDeliveryCount: String(entry.failures),
    CloudPubSubDeadLetterSourceSubscription: id,
    CloudPubSubDeadLetterSourceSubscriptionProject: project,
    CloudPubSubDeadLetterSourceTopicPublishTime: new Date(entry.publishedAtMs)
      .toISOString()
      .replace("Z", "+00:00"),
  };
}
