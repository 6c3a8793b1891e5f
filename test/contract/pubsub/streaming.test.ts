import type { Message } from "@google-cloud/pubsub";
import { differsTest, googlesText, googleTest, standInTest } from "../declared.ts";
import { settled } from "./endpoint.ts";
import {
  eventually,
  named,
  publishText,
  pullNow,
  startWorld,
  subscriptionName,
  type World,
} from "./world.ts";

/** A StreamingPull of our own, for what the client's subscriber does not do. */
function openStream(world: World, first: object) {
  const call = world.rpc.subscriber.streamingPull();
  const texts: string[] = [];
  const ackIds: string[] = [];
  let keepAlives = 0;
  call.on("data", ({ receivedMessages }) => {
    if (receivedMessages.length === 0) keepAlives++;
    for (const { ackId, message } of receivedMessages) {
      texts.push(String(message.data));
      ackIds.push(ackId);
    }
  });
  const failed = new Promise<{ code: number; details: string }>((resolve) =>
    call.on("error", resolve),
  );
  call.write({ subscription: subscriptionName("all"), streamAckDeadlineSeconds: 10, ...first });
  return { call, texts, ackIds, failed, keepAlives: () => keepAlives };
}

async function startSubscribedWorld() {
  const world = await startWorld();
  await world.topic().createSubscription("all", { ackDeadlineSeconds: 60 });
  return world;
}

// The emulator limits no stream and answers no empty request.
googleTest("a stream gets no more messages than it allows to be outstanding", async () => {
  await using world = await startSubscribedWorld();
  const stream = openStream(world, { maxOutstandingMessages: 2 });
  for (const text of ["a", "b", "c", "d"]) await publishText(world.topic(), text);
  await eventually(() => expect(stream.texts).toEqual(["a", "b"]));
  await settled();
  expect(stream.texts).toHaveLength(2);
  stream.call.write({ ackIds: stream.ackIds.slice(0, 1) });
  await eventually(() => expect(stream.texts).toEqual(["a", "b", "c"]));
  await settled();
  expect(stream.texts).toHaveLength(3);
  stream.call.cancel();
});

googleTest("a stream gets no message while it has its bytes outstanding", async () => {
  await using world = await startSubscribedWorld();
  const stream = openStream(world, { maxOutstandingBytes: 1000 });
  for (const letter of ["a", "b", "c"]) await publishText(world.topic(), letter.repeat(600));
  await eventually(() => expect(stream.texts).toHaveLength(2));
  await settled();
  expect(stream.texts).toHaveLength(2);
  stream.call.write({ ackIds: stream.ackIds });
  await eventually(() => expect(stream.texts).toHaveLength(3));
  stream.call.cancel();
});

standInTest(
  "a message that its stream did not acknowledge in time goes to another stream",
  async () => {
    await using world = await startSubscribedWorld();
    const silent = openStream(world, {});
    await settled();
    await publishText(world.topic(), "passed on");
    await eventually(() => expect(silent.texts).toEqual(["passed on"]));
    silent.call.cancel();
    await settled();
    const other = openStream(world, {});
    await settled();
    world.clock.advance(9_999);
    await settled();
    expect(other.texts).toEqual([]);
    world.clock.advance(1);
    await eventually(() => expect(other.texts).toEqual(["passed on"]));
    other.call.cancel();
  },
);

standInTest("the deadline of a stream can be changed while it is open", async () => {
  await using world = await startSubscribedWorld();
  const stream = openStream(world, {});
  stream.call.write({ streamAckDeadlineSeconds: 40 });
  await settled();
  await publishText(world.topic(), "m");
  await eventually(() => expect(stream.texts).toHaveLength(1));
  world.clock.advance(39_999);
  await settled();
  expect(stream.texts).toHaveLength(1);
  world.clock.advance(1);
  await eventually(() => expect(stream.texts).toHaveLength(2));
  stream.call.cancel();
});

test("acknowledgements and deadlines may come on the stream", async () => {
  await using world = await startSubscribedWorld();
  const stream = openStream(world, {});
  await settled();
  await publishText(world.topic(), "acked");
  await publishText(world.topic(), "nacked");
  await eventually(() => expect(stream.texts).toEqual(["acked", "nacked"]));
  const [acked, nacked] = stream.ackIds;
  stream.call.write({
    ackIds: [acked],
    modifyDeadlineAckIds: [nacked],
    modifyDeadlineSeconds: [0],
  });
  await eventually(() => expect(stream.texts).toEqual(["acked", "nacked", "nacked"]));
  stream.call.write({ ackIds: stream.ackIds.slice(2) });
  await settled();
  await world.pass(60_000, 12_000);
  await settled();
  expect(stream.texts).toHaveLength(3);
  stream.call.cancel();
});

googleTest(
  "a stream answers an empty request, which is how clients see that it lives",
  async () => {
    await using world = await startSubscribedWorld();
    const stream = openStream(world, { protocolVersion: 1 });
    stream.call.write({});
    await eventually(() => expect(stream.keepAlives()).toBe(1));
    stream.call.cancel();
  },
);

test("a stream that the client ends is ended", async () => {
  await using world = await startSubscribedWorld();
  const stream = openStream(world, {});
  const ended = new Promise((resolve) => stream.call.on("end", resolve));
  stream.call.end();
  await ended;
});

const DEADLINE = "The ack deadline must be between";
test.each([
  [
    "no such subscription",
    { subscription: subscriptionName("none") },
    undefined,
    5,
    `Resource not found (resource=${named("none")}).`,
  ],
  [
    "a deadline of 9 s",
    { streamAckDeadlineSeconds: 9 },
    undefined,
    3,
    `Invalid ack deadline given (ack_deadline=9). ${DEADLINE} 10 and 600 seconds.`,
  ],
  [
    "a new deadline of -1 s",
    {},
    { modifyDeadlineAckIds: ["a"], modifyDeadlineSeconds: [-1] },
    3,
    `Invalid ack deadline given (ack_deadline=-1). ${DEADLINE} 0 and 600 seconds.`,
  ],
  [
    "a malformed ack id",
    {},
    { ackIds: ["???"] },
    3,
    "You have passed an invalid ack ID to the service (ack_id=???).",
  ],
  [
    "ids without deadlines",
    {},
    { modifyDeadlineAckIds: ["a"] },
    3,
    "Invalid arguments provided: the number of ack ids to modify must be equal to the number of ack deadlines.",
  ],
])("%s ends the stream with its error", async (...[, first, second, code, text]) => {
  await using world = await startSubscribedWorld();
  const stream = openStream(world, first);
  if (second !== undefined) stream.call.write(second);
  expect(await stream.failed).toMatchObject({ code, details: googlesText(text) });
});

test("a subscriber with flow control gets everything in the end", async () => {
  await using world = await startSubscribedWorld();
  const subscription = world.pubsub.subscription("all", { flowControl: { maxMessages: 5 } });
  const received = new Set<string>();
  subscription.on("message", (message: Message) => {
    setTimeout(() => {
      message.ack();
      received.add(message.data.toString());
    }, 1);
  });
  const messages = Array.from({ length: 100 }, (_, i) => ({ data: Buffer.from(`m${i}`) }));
  await Promise.all(
    messages.map((message) => world.pubsub.topic("events").publishMessage(message)),
  );
  await eventually(() => expect(received.size).toBe(100));
  await subscription.close();
  await world.pass(600_000, 12_000);
  expect(await pullNow(world, "all")).toEqual([]);
});

differsTest.each([
  ["subscription", subscriptionName("all")],
  ["maxOutstandingMessages", 5],
  ["maxOutstandingBytes", 5],
])(
  "Differs: the wording for what only the first request of a stream may set is ours: %s",
  async (field, value) => {
    await using world = await startSubscribedWorld();
    const stream = openStream(world, {});
    stream.call.write({ [field]: value });
    expect(await stream.failed).toMatchObject({
      code: 3,
      details: `${field} may be set in the first request of a StreamingPull only`,
    });
  },
);
