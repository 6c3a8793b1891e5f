import { durationText, fromSeconds, toMilliseconds, type WireDuration } from "./duration.ts";
import { type AttributesFilter, compileFilter } from "./filter.ts";
import { parseName } from "./names.ts";
import {
  checkDuration,
  checkLabels,
  checkRetention,
  invalid,
  invalidArgument,
  unsupported,
} from "./rules.ts";
import type { DeadLetterPolicy, PushConfig, RetryPolicy, SubscriptionConfig } from "./types.ts";

const DAY_SECONDS = 86_400;
const DEFAULT_ACK_DEADLINE_SECONDS = 10;
const DEFAULT_RETENTION_SECONDS = 7 * DAY_SECONDS;
const DEFAULT_EXPIRATION_SECONDS = 31 * DAY_SECONDS;
const DEFAULT_DELIVERY_ATTEMPTS = 5;
const MOST_DELIVERY_ATTEMPTS = 100;
const MOST_BACKOFF_MS = 600_000;
const MOST_FILTER_BYTES = 256;
const UNSUPPORTED_FIELDS = [
  "bigqueryConfig",
  "cloudStorageConfig",
  "bigtableConfig",
  "enableExactlyOnceDelivery",
  "messageTransforms",
  "tags",
] as const;

/** `google.pubsub.v1.Subscription` as a request gives it. */
export type SubscriptionRequest = Omit<Partial<SubscriptionConfig>, "deadLetterPolicy"> & {
  deadLetterPolicy?: Partial<DeadLetterPolicy>;
  pushConfig?: Omit<PushConfig, "oidcToken"> & {
    oidcToken?: Partial<NonNullable<PushConfig["oidcToken"]>>;
    noWrapper?: object;
  };
} & Partial<Record<(typeof UNSUPPORTED_FIELDS)[number], unknown>>;

/**
 * What a request makes of a subscription: checked, its defaults filled in as Google does.
 *
 * @throws {GoogleError} INVALID_ARGUMENT, or UNIMPLEMENTED for what the stand-in has not got.
 */
export function subscriptionConfig(request: SubscriptionRequest): SubscriptionConfig {
  refuseUnsupported(request);
  const { name = "", topic = "", labels = {}, filter = "" } = request;
  checkLabels(labels);
  const config: SubscriptionConfig = {
    name,
    topic,
    labels,
    filter,
    pushConfig: pushConfigOf(request.pushConfig),
    ackDeadlineSeconds: ackDeadlineOf(request.ackDeadlineSeconds),
    retainAckedMessages: Boolean(request.retainAckedMessages),
    messageRetentionDuration: retentionOf(request.messageRetentionDuration),
    enableMessageOrdering: Boolean(request.enableMessageOrdering),
    expirationPolicy: expirationPolicyOf(request.expirationPolicy),
    detached: Boolean(request.detached),
    state: "ACTIVE",
  };
  if (request.deadLetterPolicy) config.deadLetterPolicy = deadLetterOf(request.deadLetterPolicy);
  if (request.retryPolicy) config.retryPolicy = retryPolicyOf(request.retryPolicy);
  return config;
}

/**
 * Compiles a subscription's filter.
 *
 * @throws {GoogleError} INVALID_ARGUMENT that says what is wrong with it.
 */
export function attributesFilter(filter: string): AttributesFilter {
  const sizeBytes = Buffer.byteLength(filter);
  if (sizeBytes > MOST_FILTER_BYTES) {
    // Differs: the wording for too long a filter is ours; Google's is not known.
    throw invalid(
      `The value for filter size is too large. You passed ${sizeBytes} in the request, but the maximum value is ${MOST_FILTER_BYTES}.`,
    );
  }
  try {
    return compileFilter(filter);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // Differs: the wording for a filter that cannot be read is ours; Google's is not known.
    throw invalid(`Invalid filter given (filter=${filter}): ${error.message}.`);
  }
}

/** Checks a deadline in seconds: 10 to 600. */
export function checkAckDeadline(seconds: number, least = 10): void {
  if (Number.isInteger(seconds) && seconds >= least && seconds <= 600) return;
  throw invalid(
    `Invalid ack deadline given (ack_deadline=${seconds}). The ack deadline must be between ${least} and 600 seconds.`,
  );
}

function refuseUnsupported(request: SubscriptionRequest): void {
  for (const field of UNSUPPORTED_FIELDS) {
    const value = request[field];
    const isSet = typeof value === "object" ? Object.keys(value ?? {}).length > 0 : value === true;
    if (isSet) throw unsupported(`Subscription.${field}`);
  }
}

function ackDeadlineOf(seconds: number | undefined): number {
  if (!seconds) return DEFAULT_ACK_DEADLINE_SECONDS;
  checkAckDeadline(seconds);
  return seconds;
}

function retentionOf(duration: WireDuration | undefined): WireDuration {
  if (duration === undefined) return fromSeconds(DEFAULT_RETENTION_SECONDS);
  checkRetention(duration);
  return duration;
}

/** Differs: an expiration policy is kept and shown, but an idle subscription is never deleted. */
function expirationPolicyOf(
  policy: SubscriptionConfig["expirationPolicy"] | undefined,
): SubscriptionConfig["expirationPolicy"] {
  if (policy === undefined) return { ttl: fromSeconds(DEFAULT_EXPIRATION_SECONDS) };
  if (policy.ttl === undefined) return {};
  const milliseconds = toMilliseconds(policy.ttl);
  if (milliseconds >= DAY_SECONDS * 1000) return { ttl: policy.ttl };
  throw invalid(
    `The value for expiration duration is too small. You passed ${durationText(milliseconds)} in the request, but the minimum value is 24h.`,
  );
}

/** An empty endpoint makes a pull subscription. */
export function pushConfigOf(config: SubscriptionRequest["pushConfig"]): PushConfig {
  const { pushEndpoint = "", attributes = {}, oidcToken } = config ?? {};
  if (config?.noWrapper) throw unsupported("PushConfig.noWrapper");
  if (pushEndpoint === "") return {};
  // Differs: Google asks for https; here http serves as well.
  if (!/^https?:$/.test(URL.parse(pushEndpoint)?.protocol ?? "")) {
    throw invalid(
      `Invalid push endpoint given (endpoint=${pushEndpoint}). Refer to https://cloud.google.com/pubsub/subscriber#create for more information.`,
    );
  }
  const version = attributes["x-goog-version"] ?? "v1";
  if (version !== "v1" && version !== "v1beta2") {
    throw invalid(`Invalid push endpoint version given in push config (version=${version}).`);
  }
  return {
    pushEndpoint,
    attributes: { "x-goog-version": "v1" },
    ...(oidcToken && { oidcToken: oidcTokenOf(oidcToken) }),
  };
}

const MOST_AUDIENCE_BYTES = 256;
/** What Google calls accounts looks like an address of mail. */
const EMAIL = /^[^\s@]+@[^\s@]+$/;

function oidcTokenOf({
  serviceAccountEmail = "",
  audience = "",
}: Partial<NonNullable<PushConfig["oidcToken"]>>): NonNullable<PushConfig["oidcToken"]> {
  if (!EMAIL.test(serviceAccountEmail)) {
    // Differs: the wording for an account or audience that cannot be is ours; Google's is not
    // known.
    throw invalid(`Invalid service account email given (email=${serviceAccountEmail}).`);
  }
  if (Buffer.byteLength(audience) > MOST_AUDIENCE_BYTES) {
    throw invalid(`Invalid audience given. At most ${MOST_AUDIENCE_BYTES} bytes are accepted.`);
  }
  return { serviceAccountEmail, ...(audience && { audience }) };
}

function deadLetterOf(policy: Partial<DeadLetterPolicy>): DeadLetterPolicy {
  const { deadLetterTopic = "", maxDeliveryAttempts: given } = policy;
  parseName("topics", deadLetterTopic);
  const maxDeliveryAttempts = given || DEFAULT_DELIVERY_ATTEMPTS;
  if (
    maxDeliveryAttempts < DEFAULT_DELIVERY_ATTEMPTS ||
    maxDeliveryAttempts > MOST_DELIVERY_ATTEMPTS
  ) {
    // Differs: the wording for a number of delivery attempts is ours; Google's is not known.
    throw invalid(
      `The value for max_delivery_attempts is out of bounds. You passed ${maxDeliveryAttempts} in the request, but the value must be between ${DEFAULT_DELIVERY_ATTEMPTS} and ${MOST_DELIVERY_ATTEMPTS}.`,
    );
  }
  return { deadLetterTopic, maxDeliveryAttempts };
}

function retryPolicyOf(policy: RetryPolicy): RetryPolicy {
  const minimumBackoff = policy.minimumBackoff ?? fromSeconds(10);
  const maximumBackoff = policy.maximumBackoff ?? fromSeconds(600);
  const range = { least: 0, most: MOST_BACKOFF_MS };
  // Differs: the wording for a backoff is ours; Google's is not known.
  checkDuration("minimum backoff", minimumBackoff, range);
  checkDuration("maximum backoff", maximumBackoff, range);
  if (toMilliseconds(minimumBackoff) > toMilliseconds(maximumBackoff)) {
    throw invalidArgument("retry_policy: minimum_backoff is larger than maximum_backoff");
  }
  return { minimumBackoff, maximumBackoff };
}
