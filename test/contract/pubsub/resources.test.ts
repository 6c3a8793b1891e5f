import { emulatorTest, googleTest, standInTest } from "../declared.ts";
import { startEndpoint } from "./endpoint.ts";
import { PROJECT, publishText, pullNow, startWorld, subscriptionName, topicName } from "./world.ts";

test("a topic is created with its labels and found again", async () => {
  await using world = await startWorld();
  const [, created] = await world.pubsub.createTopic({ name: "builds", labels: { team: "a" } });
  expect(created).toMatchObject({ name: topicName("builds"), labels: { team: "a" } });
  const [found] = await world.pubsub.topic("builds").getMetadata();
  expect(found).toMatchObject({ name: topicName("builds"), labels: { team: "a" } });
  expect(await world.pubsub.topic("builds").exists()).toEqual([true]);
  expect(await world.pubsub.topic("other").exists()).toEqual([false]);
});

// The emulator updates no labels.
googleTest("an update changes what its mask names", async () => {
  await using world = await startWorld();
  await world.pubsub.topic("events").setMetadata({
    labels: { a: "b" },
    messageRetentionDuration: { seconds: 600 },
  });
  await world.pubsub.topic("events").setMetadata({ labels: { c: "d" } });
  const [topic] = await world.pubsub.topic("events").getMetadata();
  expect(topic.labels).toEqual({ c: "d" });
  expect(topic.messageRetentionDuration?.seconds).toBe("600");
});

emulatorTest("topics are listed by project, in pages", async () => {
  await using world = await startWorld();
  for (const name of ["t-3", "t-1", "t-2"]) await world.pubsub.createTopic(name);
  await world.pubsub.createTopic(`projects/${PROJECT}-2/topics/foreign`);
  const request = { project: `projects/${PROJECT}`, pageSize: 3 };
  const once = { autoPaginate: false };
  const [first, next] = await world.rpc.publisher.listTopics(request, once);
  expect(first.map(({ name }) => name)).toEqual(["events", "t-1", "t-2"].map(topicName));
  const [second] = await world.rpc.publisher.listTopics(next ?? {}, once);
  expect(second.map(({ name }) => name)).toEqual([topicName("t-3")]);
});

emulatorTest("subscriptions are listed by project and by topic", async () => {
  await using world = await startWorld();
  await world.pubsub.createTopic("other");
  await world.topic().createSubscription("one");
  await world.topic("other").createSubscription("two");
  const [all] = await world.pubsub.getSubscriptions();
  expect(all.map(({ name }) => name)).toEqual(["one", "two"].map(subscriptionName));
  const [ofTopic] = await world.topic("other").getSubscriptions();
  expect(ofTopic.map(({ name }) => name)).toEqual([subscriptionName("two")]);
});

test("a subscription shows Google's defaults for what it was not given", async () => {
  await using world = await startWorld();
  await world.topic().createSubscription("plain");
  const [metadata] = await world.pubsub.subscription("plain").getMetadata();
  expect(metadata).toMatchObject({
    name: subscriptionName("plain"),
    topic: topicName("events"),
    ackDeadlineSeconds: 10,
    messageRetentionDuration: { seconds: "604800" },
    enableMessageOrdering: false,
    filter: "",
    detached: false,
    retryPolicy: null,
    deadLetterPolicy: null,
  });
});

// The emulator says neither.
googleTest("a subscription is active, and expires after 31 days without use", async () => {
  await using world = await startWorld();
  await world.topic().createSubscription("plain");
  const [metadata] = await world.pubsub.subscription("plain").getMetadata();
  expect(metadata).toMatchObject({
    state: "ACTIVE",
    expirationPolicy: { ttl: { seconds: "2678400" } },
  });
});

standInTest("what a subscription is given is kept across a restart", async () => {
  await using world = await startWorld();
  await using endpoint = await startEndpoint(() => 200);
  await world.pubsub.createTopic("dead");
  await world.topic().createSubscription("full", {
    ackDeadlineSeconds: 60,
    pushEndpoint: endpoint.url,
    retryPolicy: { minimumBackoff: { seconds: 5 } },
    deadLetterPolicy: { deadLetterTopic: topicName("dead"), maxDeliveryAttempts: 7 },
    filter: 'attributes.status != "WORKING"',
    enableMessageOrdering: true,
    messageRetentionDuration: { seconds: 86_400 },
    expirationPolicy: {},
    labels: { a: "b" },
  });
  await world.restart();
  const [metadata] = await world.pubsub.subscription("full").getMetadata();
  expect(metadata).toMatchObject({
    ackDeadlineSeconds: 60,
    pushConfig: { pushEndpoint: endpoint.url, attributes: { "x-goog-version": "v1" } },
    retryPolicy: { minimumBackoff: { seconds: "5" }, maximumBackoff: { seconds: "600" } },
    deadLetterPolicy: { deadLetterTopic: topicName("dead"), maxDeliveryAttempts: 7 },
    filter: 'attributes.status != "WORKING"',
    enableMessageOrdering: true,
    messageRetentionDuration: { seconds: "86400" },
    expirationPolicy: { ttl: null },
    labels: { a: "b" },
  });
});

standInTest("an updated subscription delivers by its new settings", async () => {
  await using world = await startWorld();
  const [subscription] = await world.topic().createSubscription("changing");
  await subscription.setMetadata({ ackDeadlineSeconds: 30, labels: { a: "b" } });
  await publishText(world.topic(), "m");
  expect(await pullNow(world, "changing")).toHaveLength(1);
  world.clock.advance(29_999);
  expect(await pullNow(world, "changing")).toHaveLength(0);
  world.clock.advance(1);
  expect(await pullNow(world, "changing")).toHaveLength(1);
  const [metadata] = await subscription.getMetadata();
  expect(metadata).toMatchObject({ ackDeadlineSeconds: 30, labels: { a: "b" } });
});

standInTest("a deleted topic leaves its subscriptions with what they had", async () => {
  await using world = await startWorld();
  const [subscription] = await world.topic().createSubscription("orphan");
  await publishText(world.topic(), "last words");
  await world.topic().delete();
  const [metadata] = await subscription.getMetadata();
  expect(metadata.topic).toBe("_deleted-topic_");
  await expect(publishText(world.topic(), "too late")).rejects.toMatchObject({ code: 5 });
  await world.pubsub.createTopic("events");
  await publishText(world.topic(), "another topic of that name");
  await world.restart();
  expect((await pullNow(world, "orphan")).map(({ text }) => text)).toEqual(["last words"]);
});

test("a deleted subscription takes its messages along, and a new one of that name has none", async () => {
  await using world = await startWorld();
  const [subscription] = await world.topic().createSubscription("short-lived");
  await publishText(world.topic(), "gone");
  await subscription.delete();
  await expect(pullNow(world, "short-lived")).rejects.toMatchObject({ code: 5 });
  await world.topic().createSubscription("short-lived");
  expect(await pullNow(world, "short-lived")).toEqual([]);
});

test("an open subscriber learns that its subscription was deleted", async () => {
  await using world = await startWorld();
  const [subscription] = await world.topic().createSubscription("watched");
  const failed = new Promise((resolve) => subscription.on("error", resolve));
  subscription.on("message", () => {});
  await publishText(world.topic(), "ignored");
  await world.pubsub.subscription("watched").delete();
  expect(await failed).toMatchObject({ code: 5 });
});

// The emulator cannot detach.
googleTest(
  "a detached subscription loses its backlog, receives nothing and refuses pulls",
  async () => {
    await using world = await startWorld();
    const [subscription] = await world.topic().createSubscription("detached");
    await publishText(world.topic(), "dropped");
    await world.pubsub.detachSubscription("detached");
    await publishText(world.topic(), "not received");
    expect(await subscription.detached()).toEqual([true]);
    await expect(pullNow(world, "detached")).rejects.toMatchObject({ code: 9 });
    const [ofTopic] = await world.topic().getSubscriptions();
    expect(ofTopic).toEqual([]);
  },
);

// The emulator keeps filters and does not apply them.
googleTest("a filter decides at publishing which messages a subscription receives", async () => {
  await using world = await startWorld();
  const filter = 'attributes.status = "SUCCESS" OR attributes.status = "FAILURE"';
  await world.topic().createSubscription("over", { filter });
  for (const status of ["QUEUED", "WORKING", "SUCCESS"]) {
    await world.topic().publishMessage({ data: Buffer.from(status), attributes: { status } });
  }
  expect((await pullNow(world, "over")).map(({ text }) => text)).toEqual(["SUCCESS"]);
});

standInTest(
  "a seek to the past brings back what was acknowledged and retained, one to the future drops it",
  async () => {
    await using world = await startWorld();
    const options = { retainAckedMessages: true, messageRetentionDuration: { seconds: 3600 } };
    const [subscription] = await world.topic().createSubscription("replay", options);
    await publishText(world.topic(), "first");
    world.clock.advance(60_000);
    await publishText(world.topic(), "second");
    const ids = (await pullNow(world, "replay")).map(({ ackId }) => ackId);
    const name = { subscription: subscriptionName("replay") };
    await world.rpc.subscriber.acknowledge({ ...name, ackIds: ids });
    world.clock.advance(10_000);
    expect(await pullNow(world, "replay")).toEqual([]);
    await subscription.seek(new Date(world.clock.now() - 30_000));
    expect((await pullNow(world, "replay")).map(({ text }) => text)).toEqual(["second"]);
    await subscription.seek(new Date(world.clock.now() - 300_000));
    expect((await pullNow(world, "replay")).map(({ text }) => text)).toEqual(["first", "second"]);
    await subscription.seek(new Date(world.clock.now() + 1));
    world.clock.advance(10_000);
    expect(await pullNow(world, "replay")).toEqual([]);
  },
);

standInTest("what the stand-in has not got is refused by name", async () => {
  await using world = await startWorld();
  await expect(world.pubsub.snapshot("s").delete()).rejects.toMatchObject({
    code: 12,
    details: "the stand-in does not implement google.pubsub.v1.Subscriber/DeleteSnapshot",
  });
  const exactlyOnce = world.topic().createSubscription("once", { enableExactlyOnceDelivery: true });
  await expect(exactlyOnce).rejects.toMatchObject({
    code: 12,
    details: "the stand-in does not implement Subscription.enableExactlyOnceDelivery",
  });
});
