import { differsTest } from "../declared.ts";
import { type ReceivedPush, settled, startEndpoint } from "./endpoint.ts";
import { eventually, publishText, pullNow, startWorld } from "./world.ts";

const DAY_MS = 24 * 3600 * 1000;

differsTest("Differs: Google's window grows to 3,000 pushes at a time: here to 100", async () => {
  await using world = await startWorld();
  const open: ReceivedPush[] = [];
  await using endpoint = await startEndpoint((push) => void open.push(push));
  await world.topic().createSubscription("push", { pushEndpoint: endpoint.url });
  const messages = Array.from({ length: 400 }, (_, n) => ({ data: Buffer.from(`m${n}`) }));
  const topic = world.pubsub.topic("events");
  await Promise.all(messages.map((message) => topic.publishMessage(message)));
  for (const inFlight of [3, 6, 12, 24, 48, 96, 100, 100]) {
    await eventually(() => expect(open).toHaveLength(inFlight));
    await settled();
    expect(open).toHaveLength(inFlight);
    for (const { response } of open.splice(0)) response.writeHead(200).end();
  }
});

differsTest(
  "Differs: a topic's retention is kept and shown: a later subscription cannot seek back to it",
  async () => {
    await using world = await startWorld();
    const retention = { messageRetentionDuration: { seconds: 86_400 } };
    await world.pubsub.topic("events").setMetadata(retention);
    const [metadata] = await world.pubsub.topic("events").getMetadata();
    expect(metadata.messageRetentionDuration?.seconds).toBe("86400");
    const before = new Date(world.clock.now() - 1000);
    await publishText(world.topic(), "before");
    world.clock.advance(1000);
    const [subscription] = await world.topic().createSubscription("late");
    await subscription.seek(before);
    expect(await pullNow(world, "late")).toEqual([]);
  },
);

differsTest(
  "Differs: an expiration policy is kept and shown: the subscription is there after twice its time",
  async () => {
    await using world = await startWorld();
    const expirationPolicy = { ttl: { seconds: 86_400 } };
    const [subscription] = await world.topic().createSubscription("idle", { expirationPolicy });
    await publishText(world.topic(), "kept");
    world.clock.advance(2 * DAY_MS);
    const [metadata] = await subscription.getMetadata();
    expect(metadata.expirationPolicy).toEqual({ ttl: { seconds: "86400", nanos: 0 } });
    expect(await pullNow(world, "idle")).toMatchObject([{ text: "kept" }]);
  },
);

differsTest(
  "Differs: Google asks for https: here a push endpoint may be http, on any host",
  async () => {
    await using world = await startWorld();
    const pushEndpoint = "http://example.com/push";
    const [subscription] = await world.topic().createSubscription("plain", { pushEndpoint });
    const [metadata] = await subscription.getMetadata();
    expect(metadata.pushConfig?.pushEndpoint).toBe(pushEndpoint);
  },
);
