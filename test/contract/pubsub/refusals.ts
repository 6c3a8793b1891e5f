import { named, PROJECT, subscriptionName, topicName, type World } from "./world.ts";

const names =
  "Refer to https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names for more information.";
const x = Buffer.from("x");

/** A refused call: its gRPC code and text. */
type Refusal = [what: string, call: (world: World) => Promise<unknown>, code: number, text: string];

/** Creates the subscription `new-one` to `events`. */
export const create = (world: World, options: object) =>
  world.rpc.subscriber.createSubscription({
    name: subscriptionName("new-one"),
    topic: topicName("events"),
    ...options,
  });
/** Publishes as the RPC does. */
export const publish = (world: World, messages: object[], topic = "events") =>
  world.rpc.publisher.publish({ topic: topicName(topic), messages });

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

const PUBLISH: Refusal[] = [
  [
    "a publish to a topic that is not there",
    (world) => publish(world, [{ data: x }], "none"),
    5,
    `Resource not found (resource=${named("none")}).`,
  ],
  [
    "no message",
    (world) => publish(world, []),
    3,
    "The value for message_count is too small. You passed 0 in the request, but the minimum value is 1.",
  ],
  [
    "1001 messages",
    (world) => publish(world, Array(1001).fill({ data: x })),
    3,
    "The value for message_count is too large. You passed 1001 in the request, but the maximum value is 1000.",
  ],
  [
    "an empty message",
    (world) => publish(world, [{ data: x }, { data: Buffer.alloc(0) }]),
    3,
    "One or more messages in the publish request is empty. Each message must contain either non-empty data, or at least one attribute.",
  ],
  [
    "more than ten megabytes",
    (world) => publish(world, [{ data: Buffer.alloc(10_000_000) }]),
    3,
    `The value for request_size is too large. You passed ${10_000_012 + topicName("events").length} in the request, but the maximum value is 10000000.`,
  ],
  [
    "more than ten mebibytes",
    (world) => publish(world, [{ data: Buffer.alloc(10_485_760) }]),
    3,
    "Request payload size exceeds the limit: 10485760 bytes.",
  ],
  [
    "an attribute value of 1025 bytes",
    (world) => publish(world, [{ data: x, attributes: { a: "v".repeat(1025) } }]),
    3,
    "One of the attributes in the request has a value that is too long. The length is 1025 characters, but the maximum allowed is 1024. Refer to https://cloud.google.com/pubsub/quotas for more information.",
  ],
  [
    "an attribute key of 257 bytes",
    (world) => publish(world, [{ data: x, attributes: { ["k".repeat(257)]: "v" } }]),
    3,
    "One of the attributes in the request has a key that is too long. The length is 257 characters, but the maximum allowed is 256. Refer to https://cloud.google.com/pubsub/quotas for more information.",
  ],
  [
    "101 attributes",
    (world) => {
      const pairs = Array.from({ length: 101 }, (_, i) => [`k${i}`, "v"]);
      return publish(world, [{ attributes: Object.fromEntries(pairs) }]);
    },
    3,
    "The value for num_attributes is too large. You passed 101 in the request, but the maximum value is 100.",
  ],
  [
    "two ordering keys in one publish",
    (world) =>
      publish(world, [
        { data: x, orderingKey: "a" },
        { data: x, orderingKey: "b" },
      ]),
    3,
    "In a single publish request, all messages must have no ordering key or they must all have the same ordering key.",
  ],
];

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
  ],
  [
    "a push endpoint that is no address",
    (world) => create(world, { pushConfig: { pushEndpoint: "endpoint" } }),
    3,
    "Invalid push endpoint given (endpoint=endpoint). Refer to https://cloud.google.com/pubsub/subscriber#create for more information.",
  ],
  [
    "a filter that is none",
    (world) => create(world, { filter: "attributes.a" }),
    3,
    "Invalid filter given (filter=attributes.a): unexpected end.",
  ],
  [
    "a filter of 257 bytes",
    (world) => create(world, { filter: `attributes.a = "${"v".repeat(240)}"` }),
    3,
    "The value for filter size is too large. You passed 257 in the request, but the maximum value is 256.",
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
];

const UNKNOWN_WORDING = [
  "101 attributes",
  "a dead letter policy of",
  "a backoff over ten minutes",
  "a filter that is none",
  "a filter of 257 bytes",
];
/** Whether Google's text of the refusal is not known. */
export const hasOurWording = ([what]: Refusal) =>
  UNKNOWN_WORDING.some((begin) => what.startsWith(begin));
/** Every refused call. */
export const REFUSALS = [...NAMES, ...PUBLISH, ...SETTINGS, ...MESSAGES];
