import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
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
  setInterval(() => {}, 60_000);
`;

/** A stand-in in a process of its own, to be killed. */
async function startProcess(directory: string): Promise<{ child: ChildProcess; address: string }> {
  const service = new URL("../../../infra/local/pubsub/start.ts", import.meta.url).href;
  const flags = ["--disable-warning=ExperimentalWarning", "--input-type=module"];
  const child = spawn(process.execPath, [...flags, "-e", HOST, service, directory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const [address] = (await once(lines, "line")) as [string];
  return { child, address };
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

const texts = (pulled: { text: string }[]) => pulled.map(({ text }) => text);

test("after a restart what is not acknowledged is delivered again, at once, and the rest is not", async () => {
  await using world = await startWorld();
  await world.topic().createSubscription("all");
  for (const text of ["acked", "leased", "waiting"]) await publishText(world.topic(), text);
  const pulled = await pullNow(world, "all", 2);
  await acknowledge(world, "all", pulled.slice(0, 1));
  await world.restart();
  expect(texts(await pullNow(world, "all"))).toEqual(["leased", "waiting"]);
  const id = await publishText(world.topic(), "later");
  expect(pulled.map((earlier) => earlier.id)).not.toContain(id);
});

test("a backoff goes on across a restart", async () => {
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

test("pushes go on after a restart", async () => {
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

test("a closed stand-in leaves no timer behind and pushes nothing more", async () => {
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

test("every publish that was answered survives a kill, and so does every acknowledgement", async () => {
  await using directory = await temporaryDirectory();
  const first = await startProcess(directory.path);
  const pubsub = connect(first.address);
  const [topic] = await pubsub.createTopic("events");
  await topic.createSubscription("all");
  const [kept] = await topic.createSubscription("kept");
  const published = new Set<string>();
  const sender = pubsub.topic("events", { batching: { maxMessages: 1 } });
  const sending = Array.from({ length: 400 }, async (_, i) => {
    published.add(await sender.publishMessage({ data: Buffer.from(`m${i}`) }));
  });
  await eventually(() => expect(published.size).toBeGreaterThan(100));
  await kill(first.child);
  const answered = [...published];
  Promise.allSettled(sending).catch(() => {});

  const second = await startProcess(directory.path);
  const again = connect(second.address);
  const received = new Set<string>();
  const subscription = again.subscription("all");
  subscription.on("message", (message) => {
    received.add(message.id);
    message.ack();
  });
  await eventually(() => expect(answered.filter((id) => !received.has(id))).toEqual([]));
  await subscription.close();
  await kill(second.child);

  const third = await startProcess(directory.path);
  const last = connect(third.address);
  const repeated: string[] = [];
  const keptIds = new Set<string>();
  last.subscription("all").on("message", ({ id }) => void repeated.push(id));
  last.subscription(kept.name).on("message", ({ id }) => void keptIds.add(id));
  await eventually(() => expect(answered.filter((id) => !keptIds.has(id))).toEqual([]));
  expect(repeated).toEqual([]);
  await Promise.all([pubsub.close(), again.close(), last.close()]);
  await kill(third.child);
});
