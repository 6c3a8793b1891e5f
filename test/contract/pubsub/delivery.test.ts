import type { Message } from "@google-cloud/pubsub";
import { googleTest, standInTest } from "../declared.ts";
import { TARGET } from "../target.ts";
import { settled } from "./endpoint.ts";
import {
  acknowledge,
  CLOCKS_DIFFER_MS,
  eventually,
  modifyDeadline,
  publishText,
  pullNow,
  startWorld,
  subscriptionName,
  topicName,
} from "./world.ts";

const texts = (pulled: { text: string }[]) => pulled.map(({ text }) => text);

test("a published message reaches a subscriber and is gone once it is acknowledged", async () => {
  await using world = await startWorld();
  const [subscription] = await world.topic().createSubscription("all");
  const received = new Promise<Message>((resolve) => subscription.on("message", resolve));
  const id = await world
    .topic()
    .publishMessage({ data: Buffer.from("hello"), attributes: { a: "b" } });
  const message = await received;
  expect(message.data.toString()).toBe("hello");
  expect(message.attributes).toEqual({ a: "b" });
  expect(message.id).toBe(id);
  // The emulator counts from 1.
  expect(id).toMatch(TARGET === "emulators" ? /^\d+$/ : /^\d{16,}$/);
  expect(Math.abs(message.publishTime.getTime() - world.now())).toBeLessThan(CLOCKS_DIFFER_MS);
  expect(message.deliveryAttempt).toBe(0);
  message.ack();
  await subscription.close();
  await world.pass(700_000, 12_000);
  expect(await pullNow(world, "all")).toEqual([]);
});

test("what is published before there is a subscription does not reach it", async () => {
  await using world = await startWorld();
  await publishText(world.topic(), "early");
  await world.topic().createSubscription("late");
  await publishText(world.topic(), "in time");
  expect(texts(await pullNow(world, "late"))).toEqual(["in time"]);
});

test("each subscription receives each message, and only its own acknowledgement counts", async () => {
  await using world = await startWorld();
  await world.topic().createSubscription("one");
  await world.topic().createSubscription("two");
  await publishText(world.topic(), "both");
  await acknowledge(world, "one", await pullNow(world, "one"));
  await world.pass(10_000);
  expect(texts(await pullNow(world, "one"))).toEqual([]);
  expect(texts(await pullNow(world, "two"))).toEqual(["both"]);
});

test("the five streams of one subscriber receive each message once", async () => {
  await using world = await startWorld();
  const [subscription] = await world.topic().createSubscription("all");
  const counts = new Map<string, number>();
  subscription.on("message", (message: Message) => {
    const text = message.data.toString();
    counts.set(text, (counts.get(text) ?? 0) + 1);
    message.ack();
  });
  await Promise.all(Array.from({ length: 200 }, (_, i) => publishText(world.topic(), `m${i}`)));
  await eventually(() => expect(counts.size).toBe(200));
  await subscription.close();
  expect([...counts.values()].every((count) => count === 1)).toBe(true);
});

test("a nacked message is delivered again at once", async () => {
  await using world = await startWorld();
  const [subscription] = await world.topic().createSubscription("all");
  const attempts: string[] = [];
  subscription.on("message", (message: Message) => {
    attempts.push(message.id);
    if (attempts.length < 3) message.nack();
    else message.ack();
  });
  const id = await publishText(world.topic(), "again");
  await eventually(() => expect(attempts).toEqual([id, id, id]));
  await subscription.close();
});

standInTest("a message that is not acknowledged by its deadline is delivered again", async () => {
  await using world = await startWorld();
  await world.topic().createSubscription("all", { ackDeadlineSeconds: 20 });
  await publishText(world.topic(), "slow");
  expect(texts(await pullNow(world, "all"))).toEqual(["slow"]);
  world.clock.advance(19_999);
  expect(await pullNow(world, "all")).toEqual([]);
  world.clock.advance(1);
  expect(texts(await pullNow(world, "all"))).toEqual(["slow"]);
});

standInTest("a deadline that is moved counts from the moment of the request", async () => {
  await using world = await startWorld();
  await world.topic().createSubscription("all");
  await publishText(world.topic(), "extended");
  const pulled = await pullNow(world, "all");
  world.clock.advance(9_000);
  await modifyDeadline(world, "all", { pulled, seconds: 30 });
  world.clock.advance(29_999);
  expect(await pullNow(world, "all")).toEqual([]);
  world.clock.advance(1);
  expect(texts(await pullNow(world, "all"))).toEqual(["extended"]);
});

// The emulator takes no acknowledgement once the deadline is over.
googleTest(
  "an ack id of an earlier delivery cannot nack the present one, but acknowledges the message",
  async () => {
    await using world = await startWorld();
    await world.topic().createSubscription("all");
    await publishText(world.topic(), "twice");
    const first = await pullNow(world, "all");
    await world.pass(10_000);
    const second = await pullNow(world, "all");
    expect(second).toHaveLength(1);
    await modifyDeadline(world, "all", { pulled: first, seconds: 0 });
    expect(await pullNow(world, "all")).toEqual([]);
    await acknowledge(world, "all", first);
    await world.pass(10_000);
    expect(await pullNow(world, "all")).toEqual([]);
  },
);

test("a pull waits for the next message", async () => {
  await using world = await startWorld();
  await world.topic().createSubscription("all");
  const request = { subscription: subscriptionName("all"), maxMessages: 5 };
  const pulled = world.rpc.subscriber.pull(request);
  await settled();
  await publishText(world.topic(), "awaited");
  const [{ receivedMessages }] = await pulled;
  expect(receivedMessages?.map(({ message }) => String(message?.data))).toEqual(["awaited"]);
});

standInTest("a pull that finds nothing for 90 seconds answers with nothing", async () => {
  await using world = await startWorld();
  await world.topic().createSubscription("all");
  const pulled = world.rpc.subscriber.pull({
    subscription: subscriptionName("all"),
    maxMessages: 5,
  });
  await eventually(() => expect(world.clock.waiting()).toBe(1));
  world.clock.advance(90_000);
  const [{ receivedMessages }] = await pulled;
  expect(receivedMessages ?? []).toEqual([]);
});

test("a pull takes at most the messages that it asks for", async () => {
  await using world = await startWorld();
  await world.topic().createSubscription("all");
  for (const text of ["a", "b", "c"]) await publishText(world.topic(), text);
  expect(texts(await pullNow(world, "all", 2))).toEqual(["a", "b"]);
  expect(texts(await pullNow(world, "all", 2))).toEqual(["c"]);
});

test("a message of ten megabytes is delivered whole", async () => {
  await using world = await startWorld();
  const [subscription] = await world.topic().createSubscription("all");
  const data = Buffer.alloc(9_999_900, "x");
  const received = new Promise<Message>((resolve) => subscription.on("message", resolve));
  await world.topic().publishMessage({ data });
  const message = await received;
  expect(message.data.equals(data)).toBe(true);
  message.ack();
  await subscription.close();
});

standInTest("messages older than the subscription's retention are dropped", async () => {
  await using world = await startWorld();
  await world.topic().createSubscription("short", { messageRetentionDuration: { seconds: 600 } });
  await world.topic().createSubscription("long");
  await publishText(world.topic(), "old");
  world.clock.advance(300_000);
  await publishText(world.topic(), "new");
  world.clock.advance(300_000);
  expect(texts(await pullNow(world, "short"))).toEqual(["new"]);
  expect(texts(await pullNow(world, "long"))).toEqual(["old", "new"]);
});

standInTest("a message that nobody needs any more leaves nothing in the store", async () => {
  await using world = await startWorld();
  await world.topic().createSubscription("one");
  await world.topic().createSubscription("two");
  await publishText(world.topic(), "kept until the last acknowledgement");
  await acknowledge(world, "one", await pullNow(world, "one"));
  await world.restart();
  const pulled = await pullNow(world, "two");
  expect(pulled).toHaveLength(1);
  await acknowledge(world, "two", pulled);
  const { openStore } = await import("../../../infra/emulators/pubsub/store.ts");
  const { database } = openStore(world.directory);
  const count = (table: string) => database.prepare(`SELECT count(*) AS n FROM ${table}`).get();
  expect([count("messages"), count("deliveries")]).toEqual([{ n: 0 }, { n: 0 }]);
  database.close();
});

standInTest(
  "publish of the running stand-in stores a message before it returns, and refuses a missing topic",
  async () => {
    await using world = await startWorld();
    await world.topic().createSubscription("all");
    const id = world.server.publish(topicName("events"), {
      data: Buffer.from("direct"),
      attributes: { buildId: "b" },
    });
    expect(await pullNow(world, "all")).toMatchObject([
      { id, text: "direct", attributes: { buildId: "b" } },
    ]);
    expect(() => world.server.publish(topicName("none"), { data: Buffer.from("x") })).toThrow(
      expect.objectContaining({ status: "NOT_FOUND" }),
    );
  },
);
