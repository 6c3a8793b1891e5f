import { emulatorTest, standInTest } from "../declared.ts";
import { type ReceivedPush, settled, startEndpoint, textOf } from "./endpoint.ts";
import {
  CLOCKS_DIFFER_MS,
  eventually,
  publishText,
  pullNow,
  startWorld,
  subscriptionName,
  topicName,
} from "./world.ts";

emulatorTest("a push is the JSON of the message, posted to the endpoint", async () => {
  await using world = await startWorld();
  await using endpoint = await startEndpoint(() => 204);
  const pushEndpoint = `${endpoint.url}/${topicName("events")}?token=t`;
  await world.topic().createSubscription("push", { pushEndpoint });
  const data = Buffer.from('{"runId":"run_1"}');
  const messageId = await world.topic().publishMessage({ data, attributes: { kind: "run" } });
  await endpoint.received(1);
  const [push] = endpoint.pushes;
  expect(push?.url).toBe(`/${topicName("events")}?token=t`);
  expect(push?.headers["content-type"]).toBe("application/json");
  const body = JSON.parse(push?.body ?? "");
  const { publishTime } = body.message;
  expect(Math.abs(Date.parse(publishTime) - world.now())).toBeLessThan(CLOCKS_DIFFER_MS);
  expect(publishTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/);
  expect(body).toEqual({
    message: {
      attributes: { kind: "run" },
      data: data.toString("base64"),
      messageId,
      message_id: messageId,
      publishTime,
      publish_time: publishTime,
    },
    subscription: subscriptionName("push"),
  });
});

// The emulator has the keys in no order and never leaves one out.
standInTest("a push leaves out attributes and data that are empty", async () => {
  await using world = await startWorld();
  await using endpoint = await startEndpoint(() => 200);
  await world.topic().createSubscription("push", { pushEndpoint: endpoint.url });
  await publishText(world.topic(), "no attributes");
  await world.topic().publishMessage({ data: Buffer.alloc(0), attributes: { only: "this" } });
  await world.topic().publishMessage({ data: Buffer.from("both"), attributes: { a: "b" } });
  await endpoint.received(3);
  const bodies = endpoint.pushes.map(({ body }) => JSON.parse(body));
  expect(endpoint.pushes.map(({ body }) => body)).toEqual(
    bodies.map((each) => JSON.stringify(each)),
  );
  expect(Object.keys(bodies[0])).toEqual(["message", "subscription"]);
  const keys = bodies.map(({ message }) => Object.keys(message));
  const rest = ["messageId", "message_id", "publishTime", "publish_time"];
  expect(keys).toEqual([
    ["data", ...rest],
    ["attributes", ...rest],
    ["attributes", "data", ...rest],
  ]);
});

async function acknowledgesPush(status: number): Promise<void> {
  await using world = await startWorld();
  await using endpoint = await startEndpoint(() => status);
  await world.topic().createSubscription("push", { pushEndpoint: endpoint.url });
  await publishText(world.topic(), "once");
  await endpoint.received(1);
  await settled();
  await world.pass(60_000, 12_000);
  await settled();
  expect(endpoint.pushes).toHaveLength(1);
}

// To the emulator 202 is a nack and 203 an acknowledgement.
emulatorTest.each([200, 201, 204])("status %i acknowledges a push", acknowledgesPush);
standInTest("status 202 acknowledges a push", () => acknowledgesPush(202));

emulatorTest("status 102 acknowledges a push, whatever follows it", async () => {
  await using world = await startWorld();
  await using endpoint = await startEndpoint(({ response }) => {
    response.writeProcessing();
    return 500;
  });
  await world.topic().createSubscription("push", { pushEndpoint: endpoint.url });
  await publishText(world.topic(), "once");
  await endpoint.received(1);
  await settled();
  expect(endpoint.pushes).toHaveLength(1);
});

async function nacksPush(status: number): Promise<void> {
  await using world = await startWorld();
  await using endpoint = await startEndpoint((_, count) => (count < 3 ? status : 200));
  await world.topic().createSubscription("push", { pushEndpoint: endpoint.url });
  await publishText(world.topic(), "again");
  await endpoint.received(3);
  expect(new Set(endpoint.texts())).toEqual(new Set(["again"]));
}

emulatorTest.each([206, 301, 302, 400, 404, 409, 429, 500, 503])(
  "status %i nacks a push, which is then repeated at once",
  nacksPush,
);
standInTest("status 203 nacks a push, which is then repeated at once", () => nacksPush(203));

standInTest("the ack deadline is the time that a push may take", async () => {
  await using world = await startWorld();
  await using endpoint = await startEndpoint((_, count) => (count === 1 ? undefined : 200));
  const options = { pushEndpoint: endpoint.url, ackDeadlineSeconds: 30 };
  await world.topic().createSubscription("push", options);
  await publishText(world.topic(), "slow");
  await endpoint.received(1);
  world.clock.advance(29_999);
  await settled();
  expect(endpoint.pushes).toHaveLength(1);
  world.clock.advance(1);
  await endpoint.received(2);
  await eventually(() => expect(endpoint.pushes[0]?.response.destroyed).toBe(true));
});

standInTest(
  "a retry policy spaces failed pushes from its minimum, doubling, to its maximum",
  async () => {
    await using world = await startWorld();
    await using endpoint = await startEndpoint(() => 500);
    await world.topic().createSubscription("push", {
      pushEndpoint: endpoint.url,
      retryPolicy: { minimumBackoff: { seconds: 20 }, maximumBackoff: { seconds: 100 } },
    });
    await publishText(world.topic(), "failing");
    await endpoint.received(1);
    for (const [index, seconds] of [20, 40, 80, 100, 100].entries()) {
      await settled();
      world.clock.advance(seconds * 1000 - 1);
      await settled();
      expect(endpoint.pushes).toHaveLength(index + 1);
      world.clock.advance(1);
      await endpoint.received(index + 2);
    }
  },
);

standInTest("a subscription that keeps failing pauses between its pushes", async () => {
  await using world = await startWorld();
  await using endpoint = await startEndpoint(() => 500);
  await world.topic().createSubscription("push", { pushEndpoint: endpoint.url });
  await publishText(world.topic(), "failing");
  await endpoint.received(3);
  await settled();
  expect(endpoint.pushes).toHaveLength(3);
  world.clock.advance(100);
  await endpoint.received(4);
  await settled();
  world.clock.advance(199);
  await settled();
  expect(endpoint.pushes).toHaveLength(4);
  world.clock.advance(1);
  await endpoint.received(5);
});

emulatorTest("an endpoint that is not there yet gets its messages when it comes", async () => {
  await using world = await startWorld();
  const gone = await startEndpoint(() => 200);
  await gone[Symbol.asyncDispose]();
  await world.topic().createSubscription("push", {
    pushEndpoint: gone.url,
    retryPolicy: { minimumBackoff: { seconds: 10 } },
  });
  await publishText(world.topic(), "patience");
  await settled();
  await using endpoint = await startEndpoint(() => 200);
  const subscription = world.pubsub.subscription("push");
  await subscription.modifyPushConfig({ pushEndpoint: endpoint.url });
  await settled();
  await world.pass(10_000);
  await endpoint.received(1);
});

// The emulator has another measure of how many.
standInTest("a few pushes are in flight at first, more with each success", async () => {
  await using world = await startWorld();
  const open: ReceivedPush[] = [];
  await using endpoint = await startEndpoint((push) => void open.push(push));
  await world.topic().createSubscription("push", { pushEndpoint: endpoint.url });
  for (let i = 0; i < 12; i++) await publishText(world.topic(), `m${i}`);
  const inFlight: number[] = [];
  for (const expected of [3, 6, 3]) {
    await eventually(() => expect(open).toHaveLength(expected));
    await settled();
    inFlight.push(open.length);
    for (const { response } of open.splice(0)) response.writeHead(200).end();
  }
  expect(inFlight).toEqual([3, 6, 3]);
  expect(new Set(endpoint.texts()).size).toBe(12);
});

// The emulator lets everybody.
standInTest("nobody can pull from a push subscription", async () => {
  await using world = await startWorld();
  await using endpoint = await startEndpoint(() => 200);
  await world.topic().createSubscription("push", { pushEndpoint: endpoint.url });
  await expect(pullNow(world, "push")).rejects.toMatchObject({
    code: 9,
    details: "This method is not supported for this subscription type.",
  });
  const error = await new Promise((resolve) =>
    world.pubsub.subscription("push").on("error", resolve).on("message", resolve),
  );
  expect(error).toMatchObject({ code: 9 });
});

emulatorTest(
  "a push subscription becomes a pull one with its push under way unharmed, and back",
  async () => {
    await using world = await startWorld();
    const open: ReceivedPush[] = [];
    await using endpoint = await startEndpoint((push) => void open.push(push));
    await world.topic().createSubscription("push", { pushEndpoint: endpoint.url });
    await publishText(world.topic(), "under way");
    await endpoint.received(1);
    const subscription = world.pubsub.subscription("push");
    await subscription.modifyPushConfig({});
    await publishText(world.topic(), "pulled");
    expect((await pullNow(world, "push")).map(({ text }) => text)).toEqual(["pulled"]);
    open[0]?.response.writeHead(200).end();
    await settled();
    await world.pass(10_000);
    await subscription.modifyPushConfig({ pushEndpoint: endpoint.url });
    await endpoint.received(2);
    expect(endpoint.pushes.map(textOf)).toEqual(["under way", "pulled"]);
  },
);

emulatorTest(
  "a message with an ordering key is pushed when its predecessor is acknowledged",
  async () => {
    await using world = await startWorld();
    const open: ReceivedPush[] = [];
    await using endpoint = await startEndpoint((push) => void open.push(push));
    const options = { pushEndpoint: endpoint.url, enableMessageOrdering: true };
    await world.topic().createSubscription("push", options);
    const topic = world.pubsub.topic("events", {
      messageOrdering: true,
      batching: { maxMessages: 1 },
    });
    await publishText(topic, "a1", "a");
    await publishText(topic, "a2", "a");
    await publishText(topic, "b1", "b");
    await endpoint.received(2);
    expect(endpoint.texts().sort()).toEqual(["a1", "b1"]);
    await settled();
    expect(endpoint.pushes).toHaveLength(2);
    open
      .find((push) => textOf(push) === "a1")
      ?.response.writeHead(200)
      .end();
    await endpoint.received(3);
    expect(endpoint.texts()[2]).toBe("a2");
  },
);

// The emulator says it in no push.
standInTest("a push says its message's ordering key", async () => {
  await using world = await startWorld();
  await using endpoint = await startEndpoint(() => 200);
  await world.topic().createSubscription("push", { pushEndpoint: endpoint.url });
  await publishText(world.pubsub.topic("events", { messageOrdering: true }), "a1", "a");
  await endpoint.received(1);
  expect(JSON.parse(endpoint.pushes[0]?.body ?? "").message.orderingKey).toBe("a");
});

emulatorTest(
  "a kept connection that breaks as it is used again costs a message no attempt",
  async () => {
    await using world = await startWorld();
    await using endpoint = await startEndpoint(({ response }, count) => {
      if (count !== 2) return 200;
      response.socket?.resetAndDestroy();
      return undefined;
    });
    await world.topic().createSubscription("push", {
      pushEndpoint: endpoint.url,
      retryPolicy: { minimumBackoff: { seconds: 10 } },
    });
    await publishText(world.topic(), "first");
    await endpoint.received(1);
    await settled();
    await publishText(world.topic(), "second");
    await endpoint.received(3);
    expect(endpoint.texts()).toEqual(["first", "second", "second"]);
  },
);
