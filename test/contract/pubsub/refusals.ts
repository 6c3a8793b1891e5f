import { PUBLISH, type Refusal } from "./publish-refusals.ts";
import { named, PROJECT, subscriptionName, topicName, type World } from "./world.ts";

const names =
  "Refer to https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names for more information.";

/** Creates the subscription `new-one` to `events`. */
export const create = (world: World, options: object) =>
  world.rpc.subscriber.createSubscription({
    name: subscriptionName("new-one"),
    topic: topicName("events"),
    ...options,
  });
const NAMES: Refusal[] = [
  ...["ab", "goog-x", "1-digit", "bad$character"].map(
    (id): Refusal => [
      `the topic name ${id}`,
      ({ rpc }) => rpc.publisher.createTopic({ name: `projects/${PROJECT}/topics/${id}` }),
      3,
      `Invalid resource name given (name=projects/${PROJECT}/topics/${id}). ${names}`,
    ],
  ),
  [
    "a subscription's name where a topic's belongs",
    ({ rpc }) => rpc.publisher.getTopic({ topic: subscriptionName("sub") }),
    3,
    `Invalid resource name given (name=${subscriptionName("sub")}). ${names}`,
  ],
  [
    "a topic that is there already",
    ({ rpc }) => rpc.publisher.createTopic({ name: topicName("events") }),
    6,
    `Resource already exists in the project (resource=${named("events")}).`,
  ],
  [
    "a topic that is not there",
    ({ rpc }) => rpc.publisher.getTopic({ topic: topicName("none") }),
    5,
    `Resource not found (resource=${named("none")}).`,
  ],
  [
    "a subscription to a topic that is not there",
    (world) => create(world, { topic: topicName("none") }),
    5,
    `Resource not found (resource=${named("none")}).`,
  ],
  [
    "a subscription that is there already",
    async (world) => {
      await create(world, {});
      await create(world, {});
    },
    6,
    `Resource already exists in the project (resource=${named("new-one")}).`,
  ],
  [
    "a pull from a subscription that is not there",
    ({ rpc }) => rpc.subscriber.pull({ subscription: subscriptionName("none"), maxMessages: 1 }),
    5,
    `Resource not found (resource=${named("none")}).`,
  ],
];

const PUSH = { pushEndpoint: "https://example.com/push" };
const OIDC = { serviceAccountEmail: "push@p.iam.gserviceaccount.com" };

const SETTINGS: Refusal[] = [
  ...[9, 601, -30].map(
    (ackDeadlineSeconds): Refusal => [
      `an ack deadline of ${ackDeadlineSeconds}`,
      (world) => create(world, { ackDeadlineSeconds }),
      3,
      `Invalid ack deadline given (ack_deadline=${ackDeadlineSeconds}). The ack deadline must be between 10 and 600 seconds.`,
    ],
  ),
  [
    "a retention under ten minutes",
    (world) => create(world, { messageRetentionDuration: { seconds: 599 } }),
    3,
    "The value for message retention duration is out of bounds. You passed 9m59s in the request, but the value must be between 10m and 744h.",
  ],
  [
    "an expiration under a day",
    (world) => create(world, { expirationPolicy: { ttl: { seconds: 3600 } } }),
    3,
    "The value for expiration duration is too small. You passed 1h in the request, but the minimum value is 24h.",
  ],
  ...[4, 101].map((maxDeliveryAttempts): Refusal => {
    const deadLetterPolicy = { deadLetterTopic: topicName("events"), maxDeliveryAttempts };
    return [
      `a dead letter policy of ${maxDeliveryAttempts} attempts`,
      (world) => create(world, { deadLetterPolicy }),
      3,
      `The value for max_delivery_attempts is out of bounds. You passed ${maxDeliveryAttempts} in the request, but the value must be between 5 and 100.`,
      "delivery attempts",
    ];
  }),
  [
    "a dead letter topic that is not there",
    (world) => create(world, { deadLetterPolicy: { deadLetterTopic: topicName("none") } }),
    5,
    `Resource not found (resource=${named("none")}).`,
  ],
  [
    "a backoff over ten minutes",
    (world) => create(world, { retryPolicy: { maximumBackoff: { seconds: 601 } } }),
    3,
    "The value for maximum backoff is out of bounds. You passed 10m1s in the request, but the value must be between 0s and 10m.",
    "a backoff",
  ],
  [
    "a push endpoint that is no address",
    (world) => create(world, { pushConfig: { pushEndpoint: "endpoint" } }),
    3,
    "Invalid push endpoint given (endpoint=endpoint). Refer to https://cloud.google.com/pubsub/subscriber#create for more information.",
  ],
  [
    "an account that is no address",
    (world) => create(world, { pushConfig: { ...PUSH, oidcToken: { audience: "a" } } }),
    3,
    "Invalid service account email given (email=).",
    "an account or audience",
  ],
  [
    "an audience of 257 bytes",
    (world) =>
      create(world, { pushConfig: { ...PUSH, oidcToken: { ...OIDC, audience: "a".repeat(257) } } }),
    3,
    "Invalid audience given. At most 256 bytes are accepted.",
    "an account or audience",
  ],
  [
    "a filter that is none",
    (world) => create(world, { filter: "attributes.a" }),
    3,
    "Invalid filter given (filter=attributes.a): unexpected end.",
    "a filter that cannot be read",
  ],
  [
    "a filter of 257 bytes",
    (world) => create(world, { filter: `attributes.a = "${"v".repeat(240)}"` }),
    3,
    "The value for filter size is too large. You passed 257 in the request, but the maximum value is 256.",
    "too long a filter",
  ],
  [
    "a label in upper case",
    ({ rpc }) => rpc.publisher.createTopic({ name: topicName("l-1"), labels: { Upper: "x" } }),
    3,
    'You have passed an invalid argument to the service (argument=Invalid labels: Invalid field "labels"; key "Upper" does not conform to regular expression "[\\p{Ll}\\p{Lo}][\\p{Ll}\\p{Lo}\\p{N}_-]{0,62}").',
  ],
  ...[
    ["filter", "the 'filter' field in the Subscription is not mutable."],
    [
      "ackDeadline",
      "'ackDeadline' is not a known Subscription field. Note that field paths must be of the form 'push_config' rather than 'pushConfig'.",
    ],
  ].map(
    ([path = "", text]): Refusal => [
      `an update of ${path}`,
      async (world) => {
        await create(world, {});
        const subscription = { name: subscriptionName("new-one") };
        const request = { subscription, updateMask: { paths: [path] } };
        await world.rpc.subscriber.updateSubscription(request);
      },
      3,
      `Invalid update_mask provided in the UpdateSubscriptionRequest: ${text}`,
    ],
  ),
  [
    "an update without a mask",
    async (world) => {
      await create(world, {});
      const subscription = { name: subscriptionName("new-one") };
      await world.rpc.subscriber.updateSubscription({ subscription });
    },
    3,
    "The update_mask in the UpdateSubscriptionRequest must be set, and must contain a non-empty paths list.",
  ],
];

const withSubscription =
  (call: (world: World, subscription: string) => Promise<unknown>) => async (world: World) => {
    await create(world, {});
    await call(world, subscriptionName("new-one"));
  };

const MESSAGES: Refusal[] = [
  [
    "an acknowledgement of nothing",
    withSubscription(({ rpc }, subscription) => rpc.subscriber.acknowledge({ subscription })),
    3,
    "You have not specified an ack ID in the request.",
  ],
  [
    "an ack id that was never issued",
    withSubscription(({ rpc }, subscription) =>
      rpc.subscriber.acknowledge({ subscription, ackIds: ["not-an-ack-id"] }),
    ),
    3,
    "You have passed an invalid ack ID to the service (ack_id=not-an-ack-id).",
  ],
  [
    "a new deadline of 601 seconds",
    withSubscription(({ rpc }, subscription) =>
      rpc.subscriber.modifyAckDeadline({
        subscription,
        ackIds: ["any"],
        ackDeadlineSeconds: 601,
      }),
    ),
    3,
    "Invalid ack deadline given (ack_deadline=601). The ack deadline must be between 0 and 600 seconds.",
  ],
  [
    "a pull of no messages",
    withSubscription(({ rpc }, subscription) => rpc.subscriber.pull({ subscription })),
    3,
    "You have passed an invalid argument to the service (argument=max_messages).",
  ],
  [
    "a pull from a detached subscription",
    withSubscription(async ({ rpc }, subscription) => {
      await rpc.publisher.detachSubscription({ subscription });
      await rpc.subscriber.pull({ subscription, maxMessages: 1 });
    }),
    9,
    `The subscription is detached from its topic (subscription=${subscriptionName("new-one")}).`,
    "a detached subscription",
  ],
];

/** Every refused call. */
export const REFUSALS = [...NAMES, ...PUBLISH, ...SETTINGS, ...MESSAGES];
/** What Google's emulator lets pass, or refuses with another code. */
export const EMULATOR_DIFFERS: ReadonlySet<string> = new Set([
  "more than ten megabytes",
  "more than ten mebibytes",
  "an attribute value of 1025 bytes",
  "an attribute key of 257 bytes",
  "101 attributes",
  "an ordering key of 1025 bytes",
  "an attribute without a key",
  "an attribute of Google's own",
  "two ordering keys in one publish",
  "an ack deadline of 9",
  "an expiration under a day",
  "a dead letter policy of 4 attempts",
  "a dead letter policy of 101 attempts",
  "a filter that is none",
  "a filter of 257 bytes",
  "a label in upper case",
  "a pull from a detached subscription",
]);
/** Those whose text is ours and about this; Google's text is not known. */
export const oursAbout = (what: string) => REFUSALS.filter(([, , , , ours]) => ours === what);
