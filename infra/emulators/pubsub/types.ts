import type { WireDuration, WireTimestamp } from "./duration.ts";

/** `google.pubsub.v1.Topic`: what of it the stand-in keeps. */
export interface TopicConfig {
  name: string;
  labels?: Record<string, string>;
  messageStoragePolicy?: object;
  messageRetentionDuration?: WireDuration;
}

/** `google.pubsub.v1.PushConfig`; without a `pushEndpoint` the subscription is pulled. */
export interface PushConfig {
  pushEndpoint?: string;
  attributes?: Record<string, string>;
  /** Whom pushes are signed for; without an audience for the endpoint. */
  oidcToken?: { serviceAccountEmail: string; audience?: string };
}

export interface RetryPolicy {
  minimumBackoff?: WireDuration;
  maximumBackoff?: WireDuration;
}

export interface DeadLetterPolicy {
  deadLetterTopic: string;
  maxDeliveryAttempts: number;
}

/** `google.pubsub.v1.Subscription` with its defaults filled in: what the stand-in keeps of it. */
export interface SubscriptionConfig {
  name: string;
  topic: string;
  pushConfig: PushConfig;
  ackDeadlineSeconds: number;
  retainAckedMessages?: boolean;
  messageRetentionDuration: WireDuration;
  labels?: Record<string, string>;
  enableMessageOrdering?: boolean;
  expirationPolicy: { ttl?: WireDuration };
  filter?: string;
  deadLetterPolicy?: DeadLetterPolicy;
  retryPolicy?: RetryPolicy;
  detached?: boolean;
  state: "ACTIVE";
}

/** `google.pubsub.v1.PubsubMessage` as a publisher gives it. */
export interface PublishedMessage {
  data?: Buffer;
  attributes?: Record<string, string>;
  orderingKey?: string;
}

/** A message with what the service added to it. */
export interface StoredMessage {
  id: number;
  data: Buffer;
  attributes: Record<string, string>;
  orderingKey: string;
  publishedAtMs: number;
}

/** `google.pubsub.v1.ReceivedMessage`. */
export interface ReceivedMessage {
  ackId: string;
  message: {
    data: Buffer;
    attributes: Record<string, string>;
    messageId: string;
    publishTime: WireTimestamp;
    orderingKey: string;
  };
  deliveryAttempt: number;
}
