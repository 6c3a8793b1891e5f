import { emulatorTest, standInTest } from "../declared.ts";
import { settled, startEndpoint } from "./endpoint.ts";
import {
  eventually,
  modifyDeadline,
  named,
  PROJECT,
  publishText,
  pullNow,
  startWorld,
  topicName,
} from "./world.ts";

const deadLetterPolicy = { deadLetterTopic: topicName("dead"), maxDeliveryAttempts: 5 };

standInTest(
  "a message that failed as often as the policy grants moves to the dead letter topic",
  async () => {
    await using world = await startWorld();
    const [dead] = await world.pubsub.createTopic("dead");
    await dead.createSubscription("graveyard");
    await world.topic().createSubscription("work", { deadLetterPolicy });
    const attributes = { kind: "poison" };
    await world.topic().publishMessage({ data: Buffer.from("bad"), attributes });
    for (let attempt = 1; attempt <= 5; attempt++) {
      const pulled = await pullNow(world, "work");
      expect(pulled).toMatchObject([{ text: "bad", deliveryAttempt: attempt }]);
      if (attempt % 2 === 0) world.clock.advance(10_000);
      else await modifyDeadline(world, "work", { pulled, seconds: 0 });
    }
    world.clock.advance(600_000);
    expect(await pullNow(world, "work")).toEqual([]);
    expect(await pullNow(world, "graveyard")).toMatchObject([
      {
        text: "bad",
        deliveryAttempt: 0,
        attributes: {
          kind: "poison",
          CloudPubSubDeadLetterSourceDeliveryCount: "5",
          CloudPubSubDeadLetterSourceSubscription: named("work"),
          CloudPubSubDeadLetterSourceSubscriptionProject: PROJECT,
          CloudPubSubDeadLetterSourceTopicPublishTime: "2026-01-02T03:04:05.678+00:00",
        },
      },
    ]);
  },
);

// The emulator never says it.
standInTest("a push says which attempt it is only under a dead letter policy", async () => {
  await using world = await startWorld();
  await world.pubsub.createTopic("dead");
  await using counted = await startEndpoint((_, count) => (count < 3 ? 500 : 200));
  await using uncounted = await startEndpoint(() => 200);
  const policy = { deadLetterPolicy, pushEndpoint: counted.url };
  await world.topic().createSubscription("counted", policy);
  await world.topic().createSubscription("uncounted", { pushEndpoint: uncounted.url });
  await publishText(world.topic(), "m");
  await counted.received(3);
  await uncounted.received(1);
  const attempts = counted.pushes.map(({ body }) => JSON.parse(body).deliveryAttempt);
  expect(attempts).toEqual([1, 2, 3]);
  expect(JSON.parse(uncounted.pushes[0]?.body ?? "")).not.toHaveProperty("deliveryAttempt");
});

emulatorTest(
  "failed pushes end on the dead letter topic, where another endpoint gets them",
  async () => {
    await using world = await startWorld();
    const [dead] = await world.pubsub.createTopic("dead");
    await using failing = await startEndpoint(() => 500);
    await using grave = await startEndpoint(() => 200);
    await dead.createSubscription("graveyard", { pushEndpoint: grave.url });
    await world.topic().createSubscription("work", {
      deadLetterPolicy,
      pushEndpoint: failing.url,
      retryPolicy: { minimumBackoff: { seconds: 1 }, maximumBackoff: { seconds: 1 } },
    });
    await publishText(world.topic(), "bad");
    for (let attempt = 1; attempt <= 5; attempt++) {
      await eventually(() => expect(failing.pushes.length).toBeGreaterThanOrEqual(attempt));
      await settled();
      await world.pass(1000);
    }
    await grave.received(1);
    expect(grave.texts()).toEqual(["bad"]);
    await world.pass(60_000, 12_000);
    await settled();
    expect(failing.pushes).toHaveLength(5);
  },
);

test("without its dead letter topic a message keeps being delivered", async () => {
  await using world = await startWorld();
  const [dead] = await world.pubsub.createTopic("dead");
  await world.topic().createSubscription("work", { deadLetterPolicy });
  await dead.delete();
  await publishText(world.topic(), "homeless");
  for (let attempt = 1; attempt <= 7; attempt++) {
    const pulled = await pullNow(world, "work");
    expect(pulled).toMatchObject([{ deliveryAttempt: attempt }]);
    await modifyDeadline(world, "work", { pulled, seconds: 0 });
  }
});

standInTest("attempts are counted on across a restart", async () => {
  await using world = await startWorld();
  await world.pubsub.createTopic("dead");
  await world.topic().createSubscription("work", { deadLetterPolicy });
  await publishText(world.topic(), "counted");
  for (let attempt = 1; attempt <= 2; attempt++) {
    const pulled = await pullNow(world, "work");
    await modifyDeadline(world, "work", { pulled, seconds: 0 });
  }
  await world.restart();
  expect(await pullNow(world, "work")).toMatchObject([{ text: "counted", deliveryAttempt: 3 }]);
});
