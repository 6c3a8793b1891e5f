import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Message, Subscription } from "@google-cloud/pubsub";
import { standInTest } from "../declared.ts";
import { settled, startEndpoint } from "./endpoint.ts";
import {
  acknowledge,
  connect,
  eventually,
  publishText,
  pullNow,
  startWorld,
  temporaryDirectory,
} from "./world.ts";

const HOST = `
  const { startPubsub } = await import(process.argv[1]);
  const { address } = await startPubsub({ directory: process.argv[2] });
  process.stdout.write(address + "\\n");
  setInterval(() => {}, 180_000);
`;

/** A stand-in in a process of its own, with a client; disposing of it kills it. */
async function startProcess(directory: string) {
  const service = new URL("../../../infra/emulators/pubsub/start.ts", import.meta.url).href;
  const flags = ["--disable-warning=ExperimentalWarning", "--input-type=module"];
  const child = spawn(process.execPath, [...flags, "-e", HOST, service, directory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const [address] = (await once(lines, "line")) as [string];
  const pubsub = connect(address);
  return {
    pubsub,
    kill: () => kill(child),
    async [Symbol.asyncDispose]() {
      await pubsub.close();
      await kill(child);
    },
  };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

const texts = (pulled: { text: string }[]) => pulled.map(({ text }) => text);

standInTest(
  "after a restart what is not acknowledged is delivered again, at once, and the rest is not",
  async () => {
    await using world = await startWorld();
    await world.topic().createSubscription("all");
    for (const text of ["acked", "leased", "waiting"]) await publishText(world.topic(), text);
    const pulled = await pullNow(world, "all", 2);
    await acknowledge(world, "all", pulled.slice(0, 1));
    await world.restart();
    expect(texts(await pullNow(world, "all"))).toEqual(["leased", "waiting"]);
    const id = await publishText(world.topic(), "later");
    expect(pulled.map((earlier) => earlier.id)).not.toContain(id);
  },
);

standInTest("a backoff goes on across a restart", async () => {
  await using world = await startWorld();
  const retryPolicy = { minimumBackoff: { seconds: 60 } };
  const [subscription] = await world.topic().createSubscription("slow", { retryPolicy });
  await publishText(world.topic(), "m");
  await pullNow(world, "slow");
  world.clock.advance(10_000);
  await world.restart();
  world.clock.advance(59_999);
  expect(await pullNow(world, "slow")).toEqual([]);
  world.clock.advance(1);
  expect(texts(await pullNow(world, "slow"))).toEqual(["m"]);
  expect(subscription.name).toContain("slow");
});

standInTest("pushes go on after a restart", async () => {
  await using world = await startWorld();
  await using endpoint = await startEndpoint((_, count) => (count === 1 ? undefined : 200));
  await world.topic().createSubscription("push", { pushEndpoint: endpoint.url });
  await publishText(world.topic(), "interrupted");
  await endpoint.received(1);
  await world.restart();
  await endpoint.received(2);
  expect(endpoint.texts()).toEqual(["interrupted", "interrupted"]);
  await publishText(world.topic(), "new");
  await endpoint.received(3);
});

standInTest("a closed stand-in leaves no timer behind and pushes nothing more", async () => {
  await using world = await startWorld();
  await using endpoint = await startEndpoint(() => 500);
  await world.topic().createSubscription("push", { pushEndpoint: endpoint.url });
  await publishText(world.topic(), "failing");
  await endpoint.received(3);
  await settled();
  expect(world.clock.waiting()).toBeGreaterThan(0);
  await world.server.close();
  expect(world.clock.waiting()).toBe(0);
  world.clock.advance(600_000);
  await settled();
  expect(endpoint.pushes).toHaveLength(3);
});

/** Receives and acknowledges until `isEnough`, then returns what came. */
async function receive(
  subscription: Subscription,
  isEnough: (ids: Set<string>) => boolean,
): Promise<Set<string>> {
  const ids = new Set<string>();
  subscription.on("message", (message: Message) => {
    ids.add(message.id);
    message.ack();
  });
  await eventually(() => expect(isEnough(ids)).toBe(true));
  await subscription.close();
  return ids;
}

standInTest(
  "every publish that was answered survives a kill, and so does every acknowledgement",
  async () => {
    await using directory = await temporaryDirectory();
    const answered: string[] = [];
    const hasAll = (ids: Set<string>) => answered.every((id) => ids.has(id));
    {
      await using first = await startProcess(directory.path);
      const [topic] = await first.pubsub.createTopic("events");
      await topic.createSubscription("consumed");
      await topic.createSubscription("untouched");
      const publisher = first.pubsub.topic("events", { batching: { maxMessages: 1 } });
      for (let i = 0; i < 400; i++) {
        publisher.publishMessage({ data: Buffer.from(`m${i}`) }).then(
          (id) => answered.push(id),
          () => {},
        );
      }
      await eventually(() => expect(answered.length).toBeGreaterThan(100));
      await first.kill();
    }
    expect(answered.length).toBeLessThanOrEqual(400);
    {
      await using second = await startProcess(directory.path);
      await receive(second.pubsub.subscription("consumed"), hasAll);
      await second.kill();
    }
    await using third = await startProcess(directory.path);
    const repeated = new Set<string>();
    const consumed = third.pubsub.subscription("consumed");
    consumed.on("message", ({ id }: Message) => void repeated.add(id));
    await receive(third.pubsub.subscription("untouched"), hasAll);
    expect([...repeated].filter((id) => answered.includes(id))).toEqual([]);
    await consumed.close();
  },
);
