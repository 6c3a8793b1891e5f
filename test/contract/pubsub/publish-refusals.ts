import { named, topicName, type World } from "./world.ts";

const x = Buffer.from("x");

/** A refused call: its gRPC code and text, and what the text is about if it is ours. */
export type Refusal = [
  what: string,
  call: (world: World) => Promise<unknown>,
  code: number,
  text: string,
  ours?: string,
];

/** Publishes as the RPC does. */
export const publish = (world: World, messages: object[], topic = "events") =>
  world.rpc.publisher.publish({ topic: topicName(topic), messages });

/** Refused calls of Publish. */
export const PUBLISH: Refusal[] = [
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
    "too many attributes",
  ],
  [
    "an ordering key of 1025 bytes",
    (world) => publish(world, [{ data: x, orderingKey: "k".repeat(1025) }]),
    3,
    "The value for ordering_key size is too large. You passed 1025 in the request, but the maximum value is 1024.",
    "too long an ordering key",
  ],
  [
    "an attribute without a key",
    (world) => publish(world, [{ data: x, attributes: { "": "v" } }]),
    3,
    "One of the attributes in the request has an empty key.",
    "an attribute key",
  ],
  [
    "an attribute of Google's own",
    (world) => publish(world, [{ data: x, attributes: { "goog-x": "v" } }]),
    3,
    'One of the attributes in the request has a reserved key (key=goog-x): keys must not begin with "goog".',
    "an attribute key",
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
