import type { Message } from "@google-cloud/pubsub";
import { startPubsub } from "../../../infra/emulators/pubsub/start.ts";
import type { Fault, FaultAction } from "../../../infra/emulators/wire/fault.ts";
import { injectFaults } from "../../../infra/emulators/wire/faults.ts";
import { eventually } from "../../support/eventually.ts";
import { fakeClock } from "../cloud-build/fake-clock.ts";
import { settled, startEndpoint } from "../pubsub/endpoint.ts";
import { codeOf, onceAt, pubsubAt, pubsubWith, startHost, temporaryDirectory } from "./world.ts";

const PUBLISH = "google.pubsub.v1.Publisher/Publish";
const UNAVAILABLE = "UNAVAILABLE";

type World = Awaited<ReturnType<typeof pubsubWith>>;

/** Takes in what a subscription delivers. */
async function receive({ topic }: Pick<World, "topic">) {
  const [subscription] = await topic.createSubscription("all");
  const messages: { id: string; text: string }[] = [];
  subscription.on("error", () => {});
  subscription.on("message", (message: Message) => {
    messages.push({ id: message.id, text: message.data.toString() });
    message.ack();
  });
  return { messages, [Symbol.asyncDispose]: () => subscription.close() };
}

const TIMEOUT_MS = 180_000;
/** What went out on a connection that was cut comes again after its ack deadline of ten seconds. */
const REDELIVERED_WITHIN_S = 30;

describe("a publish", () => {
  test("whose acknowledgement is lost is repeated: two messages with two ids", async () => {
    await using world = await pubsubWith(
      onceAt(PUBLISH, { type: "failAfter", status: UNAVAILABLE }),
    );
    await using received = await receive(world);
    const id = await world.publish("one");
    await eventually(() => expect(received.messages).toHaveLength(2));
    const ids = received.messages.map((message) => message.id);
    expect(new Set(ids).size).toBe(2);
    expect(ids).toContain(id);
    expect(world.fired()).toEqual([1]);
  });

  test.each([
    [{ type: "failBefore", status: UNAVAILABLE }, 1],
    [{ type: "cut", at: "before" }, 1],
    [{ type: "cut", at: "after" }, 2],
    [{ type: "duplicate" }, 2],
  ] as [FaultAction, number][])(
    "%j makes %i of it",
    async (action, count) => {
      await using world = await pubsubWith(onceAt(PUBLISH, action));
      await using received = await receive(world);
      await world.publish("one");
      await eventually(() => expect(received.messages).toHaveLength(count), REDELIVERED_WITHIN_S);
      await settled();
      expect(received.messages).toHaveLength(count);
      expect(world.fired()).toEqual([1]);
    },
    TIMEOUT_MS,
  );

  test("that is refused for good reaches the caller", async () => {
    await using world = await pubsubWith(
      onceAt(PUBLISH, { type: "failBefore", status: "PERMISSION_DENIED" }),
    );
    expect(await codeOf(world.publish("one"))).toBe(7);
  });

  test.each([
    ["before", 1],
    ["after", 2],
  ] as const)(
    "that kills the service %s it is stored is repeated: %i of it",
    async (at, count) => {
      using directory = temporaryDirectory();
      const faults = onceAt(PUBLISH, { type: "kill", at });
      await using host = await startHost("pubsub", directory.path, { faults });
      const pubsub = pubsubAt(host.address);
      const [topic] = await pubsub.createTopic("events");
      const [subscription] = await topic.createSubscription("kept");
      const publish = topic.publishMessage({ data: Buffer.from("one") });
      expect(await host.ended).toBe("SIGKILL");
      await using _again = await startHost("pubsub", directory.path, { port: host.port });
      await publish;
      const texts: string[] = [];
      subscription.on("message", (message: Message) => {
        texts.push(message.data.toString());
        message.ack();
      });
      await eventually(() => expect(texts).toHaveLength(count), REDELIVERED_WITHIN_S);
      await settled();
      expect(texts).toEqual(Array(count).fill("one"));
      await subscription.close();
      await pubsub.close();
    },
    TIMEOUT_MS,
  );
});

test.each([
  { type: "cut", at: "after" },
  { type: "failBefore", status: UNAVAILABLE },
] as const)("a stream comes back after $type", async (action) => {
  await using world = await pubsubWith(onceAt("google.pubsub.v1.Subscriber/StreamingPull", action));
  await using received = await receive(world);
  await world.publish("one");
  await eventually(() => expect(world.fired()).toEqual([1]));
  await world.publish("two");
  await eventually(() => expect(received.messages.map(({ text }) => text)).toContain("two"));
});

describe("a push", () => {
  async function pushWorld(fault: Pick<Fault, "do"> & Partial<Fault>, clock = fakeClock()) {
    const world = await pubsubWith([{ method: "push", when: { count: 1 }, ...fault }], clock);
    const endpoint = await startEndpoint(() => 204);
    const pushEndpoint = endpoint.url;
    await world.topic.createSubscription("push", { pushEndpoint, ackDeadlineSeconds: 10 });
    return {
      ...world,
      clock,
      endpoint,
      ids: () => endpoint.pushes.map(({ body }) => JSON.parse(body).message.messageId as string),
      async [Symbol.asyncDispose]() {
        await world[Symbol.asyncDispose]();
        await endpoint[Symbol.asyncDispose]();
      },
    };
  }

  test.each([
    [{ type: "failBefore", status: UNAVAILABLE }, 1],
    [{ type: "failAfter", status: UNAVAILABLE }, 2],
    [{ type: "cut", at: "before" }, 1],
    [{ type: "cut", at: "after" }, 2],
    [{ type: "duplicate" }, 2],
  ] as [FaultAction, number][])("%j: the endpoint gets it %i times", async (action, count) => {
    await using world = await pushWorld({ do: action });
    const id = await world.publish("one");
    await world.endpoint.received(count);
    await settled();
    expect(world.ids()).toEqual(Array(count).fill(id));
    expect(world.fired()).toEqual([1]);
  });

  test("that is delayed comes when its time has come", async () => {
    await using world = await pushWorld({ do: { type: "delay", ms: 5000 } });
    await world.publish("one");
    await eventually(() => expect(world.fired()).toEqual([1]));
    await settled();
    expect(world.endpoint.pushes).toHaveLength(0);
    world.clock.advance(5000);
    await world.endpoint.received(1);
  });

  test("that is reordered comes after the next one, once", async () => {
    await using world = await pushWorld({ do: { type: "reorder" } });
    const first = await world.publish("one");
    await settled();
    expect([world.endpoint.pushes.length, ...world.fired()]).toEqual([0, 0]);
    const second = await world.publish("two");
    await world.endpoint.received(2);
    expect(world.ids()).toEqual([second, first]);
    expect(world.fired()).toEqual([1]);
  });

  test("that nothing overtakes comes after a while, and does not count as reordered", async () => {
    await using world = await pushWorld({ do: { type: "reorder", withinMs: 300 } });
    await world.publish("one");
    await settled();
    world.clock.advance(300);
    await world.endpoint.received(1);
    expect(world.fired()).toEqual([0]);
  });

  test("can be chosen by its message", async () => {
    await using world = await pushWorld({
      when: {
        matches: ({ message }) => Buffer.from(message.data, "base64").equals(Buffer.from("b")),
      },
      do: { type: "duplicate" },
    });
    await world.publish("a");
    await world.publish("b");
    await world.endpoint.received(3);
    expect(world.endpoint.texts().sort()).toEqual(["a", "b", "b"]);
  });

  test("that is dropped comes again when its deadline has passed", async () => {
    const clock = fakeClock();
    using directory = temporaryDirectory();
    const faults = injectFaults(onceAt("push", { type: "drop" }), { clock });
    await using service = await startPubsub({ directory: directory.path, clock, faults });
    await using endpoint = await startEndpoint(() => 204);
    const pubsub = pubsubAt(service.address);
    const [topic] = await pubsub.createTopic("events");
    await topic.createSubscription("push", { pushEndpoint: endpoint.url, ackDeadlineSeconds: 10 });
    await topic.publishMessage({ data: Buffer.from("one") });
    await settled();
    expect(endpoint.pushes).toHaveLength(0);
    faults.assertFired();
    clock.advance(10_000);
    await endpoint.received(1);
    await pubsub.close();
  });
});
