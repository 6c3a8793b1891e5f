import type { Message } from "@google-cloud/pubsub";
import { googleTest, standInTest } from "../declared.ts";
import {
  acknowledge,
  eventually,
  modifyDeadline,
  publishText,
  pullNow,
  startWorld,
  type World,
} from "./world.ts";

const texts = (pulled: { text: string }[]) => pulled.map(({ text }) => text);

function orderedTopic(world: World) {
  return world.pubsub.topic("events", { messageOrdering: true, batching: { maxMessages: 1 } });
}

async function startOrderedWorld() {
  const world = await startWorld();
  await world.topic().createSubscription("ordered", { enableMessageOrdering: true });
  return world;
}

test("messages of one key arrive in the order of their publishing", async () => {
  await using world = await startOrderedWorld();
  const received: string[] = [];
  const subscription = world.pubsub.subscription("ordered");
  subscription.on("message", (message: Message) => {
    received.push(message.data.toString());
    message.ack();
  });
  const sent = Array.from({ length: 60 }, (_, i) => ({ key: `k${i % 3}`, text: `${i % 3}:${i}` }));
  const topic = orderedTopic(world);
  await Promise.all(sent.map(({ key, text }) => publishText(topic, text, key)));
  await eventually(() => expect(received).toHaveLength(60));
  await subscription.close();
  for (const key of ["0", "1", "2"]) {
    const numbers = received.filter((t) => t.startsWith(`${key}:`)).map((t) => Number(t.slice(2)));
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  }
});

// The emulator gives each message of a key until that one is acknowledged.
googleTest(
  "a nack brings back the later messages of its key, even acknowledged ones, and no others",
  async () => {
    await using world = await startOrderedWorld();
    for (const text of ["a1", "a2", "a3"]) await publishText(orderedTopic(world), text, "a");
    await publishText(orderedTopic(world), "b1", "b");
    const pulled = await pullNow(world, "ordered");
    expect(texts(pulled)).toEqual(["a1", "a2", "a3", "b1"]);
    const [a1, a2, a3] = pulled;
    if (!a1 || !a2 || !a3) throw new Error("unreachable");
    await acknowledge(world, "ordered", [a1, a3]);
    await modifyDeadline(world, "ordered", { pulled: [a2], seconds: 0 });
    const again = await pullNow(world, "ordered");
    expect(texts(again)).toEqual(["a2", "a3"]);
    await acknowledge(world, "ordered", again);
    await world.pass(10_000);
    expect(texts(await pullNow(world, "ordered"))).toEqual(["b1"]);
  },
);

test("while one pull holds messages of a key, another gets none of it", async () => {
  await using world = await startOrderedWorld();
  await publishText(orderedTopic(world), "a1", "a");
  const first = await pullNow(world, "ordered");
  await publishText(orderedTopic(world), "a2", "a");
  expect(await pullNow(world, "ordered")).toEqual([]);
  await acknowledge(world, "ordered", first);
  expect(texts(await pullNow(world, "ordered"))).toEqual(["a2"]);
});

test("a missed deadline goes back to that message of its key", async () => {
  await using world = await startOrderedWorld();
  for (const text of ["a1", "a2"]) await publishText(orderedTopic(world), text, "a");
  const [a1] = await pullNow(world, "ordered");
  if (!a1) throw new Error("unreachable");
  await modifyDeadline(world, "ordered", { pulled: [a1], seconds: 5 });
  await world.pass(5_000);
  expect(texts(await pullNow(world, "ordered"))).toEqual(["a1", "a2"]);
});

standInTest("a backoff holds up the whole key", async () => {
  await using world = await startWorld();
  const retryPolicy = { minimumBackoff: { seconds: 10 }, maximumBackoff: { seconds: 600 } };
  await world.topic().createSubscription("slow", { enableMessageOrdering: true, retryPolicy });
  for (const text of ["a1", "a2"]) await publishText(orderedTopic(world), text, "a");
  await publishText(orderedTopic(world), "b1", "b");
  const pulled = await pullNow(world, "slow");
  await modifyDeadline(world, "slow", { pulled: pulled.slice(0, 1), seconds: 0 });
  await acknowledge(world, "slow", pulled.slice(2));
  expect(await pullNow(world, "slow")).toEqual([]);
  world.clock.advance(9_999);
  expect(await pullNow(world, "slow")).toEqual([]);
  world.clock.advance(1);
  expect(texts(await pullNow(world, "slow"))).toEqual(["a1", "a2"]);
});

standInTest(
  "order survives a restart, with what was acknowledged behind an open message",
  async () => {
    await using world = await startOrderedWorld();
    for (const text of ["a1", "a2", "a3"]) await publishText(orderedTopic(world), text, "a");
    const pulled = await pullNow(world, "ordered");
    await acknowledge(world, "ordered", pulled.slice(1, 2));
    await world.restart();
    const again = await pullNow(world, "ordered");
    expect(texts(again)).toEqual(["a1", "a2", "a3"]);
    await acknowledge(world, "ordered", again);
    await world.restart();
    world.clock.advance(600_000);
    expect(await pullNow(world, "ordered")).toEqual([]);
  },
);
