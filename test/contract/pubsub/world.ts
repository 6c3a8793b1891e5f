import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type CreateTopicResponse,
  type PublishOptions,
  PubSub,
  type SubscriptionOptions,
  type Topic,
  type TopicMetadata,
  v1,
} from "@google-cloud/pubsub";
import { credentials } from "@grpc/grpc-js";
import {
  type PubsubOptions,
  type RunningPubsub,
  startPubsub,
} from "../../../infra/emulators/pubsub/start.ts";
import type { Clock } from "../../../infra/emulators/wire/clock.ts";
import { contractProject, emulatorHost, PATIENCE, randomName, sleep, TARGET } from "../target.ts";

/** The project of this test file. */
export const PROJECT = contractProject();

/** What all topics and subscriptions of this test file have at the end of their names. */
const SUFFIX = randomName("");

/** Closer than this the service's time and ours are not known to be; the stand-in's is ours. */
export const CLOCKS_DIFFER_MS = TARGET === "standIn" ? 1 : 60_000;

/** A clock that stands still until it is advanced. */
export interface FakeClock extends Clock {
  /** Moves the time on and calls back whatever is due, in order. */
  advance(milliseconds: number): void;
  /** How many timers wait. */
  waiting(): number;
}

export function fakeClock(): FakeClock {
  let time = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
  const timers = new Set<{ atMs: number; callback: () => void }>();
  return {
    now: () => time,
    setTimeout(callback, delayMs) {
      const timer = { atMs: time + delayMs, callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    advance(milliseconds) {
      const end = time + milliseconds;
      for (;;) {
        const [next] = [...timers].sort((a, b) => a.atMs - b.atMs);
        if (next === undefined || next.atMs > end) break;
        timers.delete(next);
        time = Math.max(time, next.atMs);
        next.callback();
      }
      time = end;
    },
    waiting: () => timers.size,
  };
}

/** A temporary directory that disappears with its owner. */
export async function temporaryDirectory(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), "pubsub-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** One of the client's overloads. */
type CreateTopic = (metadata: TopicMetadata) => Promise<CreateTopicResponse>;

/**
 * The official client, pointed at `address` or, without one, at Google; it makes ids as {@link
 * named} does.
 */
export function connect(address: string | undefined): PubSub {
  const place = address === undefined ? {} : { apiEndpoint: address, emulatorMode: true };
  const pubsub = new PubSub({ projectId: PROJECT, ...place });
  const { topic, subscription } = pubsub;
  const createTopic = pubsub.createTopic.bind(pubsub) as CreateTopic;
  return Object.assign(pubsub, {
    topic: (id: string, options?: PublishOptions) => topic.call(pubsub, topicName(id), options),
    subscription: (id: string, options?: SubscriptionOptions) =>
      subscription.call(pubsub, subscriptionName(id), options),
    createTopic: (given: string | TopicMetadata) => {
      const metadata = typeof given === "string" ? { name: given } : given;
      return createTopic({ ...metadata, name: topicName(metadata.name ?? "") });
    },
  });
}

/** Google's generated clients, whose requests are the RPCs themselves. */
function connectRpc(address: string | undefined) {
  const [apiEndpoint = "", port] = address?.split(":") ?? [];
  const place = { apiEndpoint, port: Number(port), sslCreds: credentials.createInsecure() };
  const options = { projectId: PROJECT, ...(address !== undefined && place) };
  const subscriber = new v1.SubscriberClient(options);
  const publisher = new v1.PublisherClient(options);
  return {
    subscriber,
    publisher,
    async close() {
      await subscriber.close();
      await publisher.close();
    },
  };
}

/** The clients of a Pub/Sub with a topic `events`, and its time. */
export interface World extends AsyncDisposable {
  pubsub: PubSub;
  rpc: ReturnType<typeof connectRpc>;
  topic(id?: string): Topic;
  /** The service's time. */
  now(): number;
  /**
   * Lets time pass: the stand-in's at once, a real service's really, there `elsewhereMs` if that is
   * given.
   */
  pass(milliseconds: number, elsewhereMs?: number): Promise<void>;
  /** On the stand-in alone. */
  clock: FakeClock;
  /** On the stand-in alone. */
  directory: string;
  /** On the stand-in alone. */
  server: RunningPubsub;
  /** Stops the service and starts it again on the same directory. On the stand-in alone. */
  restart(): Promise<void>;
}

/** What the stand-in alone can be told. */
type StandInOptions = Pick<PubsubOptions, "idToken">;

/** The stand-in on a directory of its own, or the target with names that nobody else uses. */
export async function startWorld(options: StandInOptions = {}): Promise<World> {
  const world = await (TARGET === "standIn" ? startStandIn(options) : openTarget());
  await world.pubsub.createTopic("events");
  return world;
}

async function startStandIn({ idToken }: StandInOptions): Promise<World> {
  const directory = await temporaryDirectory();
  const clock = fakeClock();
  const start = () => startPubsub({ directory: directory.path, clock, idToken });
  const server = await start();
  const world: World = {
    clock,
    directory: directory.path,
    server,
    ...openClients(server.address),
    topic: (id = "events") => world.pubsub.topic(id, { batching: { maxMessages: 1 } }),
    now: clock.now,
    pass: async (milliseconds) => clock.advance(milliseconds),
    async restart() {
      await closeClients(world);
      await world.server.close();
      world.server = await start();
      Object.assign(world, openClients(world.server.address));
    },
    async [Symbol.asyncDispose]() {
      await closeClients(world);
      await world.server.close();
      await directory[Symbol.asyncDispose]();
    },
  };
  return world;
}

/** At the end its topics and subscriptions are removed, whatever the test left of them. */
async function openTarget(): Promise<World> {
  const clients = openClients(TARGET === "remote" ? undefined : emulatorHost("pubsub"));
  const onStandIn = () => {
    throw new Error("only the stand-in has this; declare the test as standInTest");
  };
  return {
    ...clients,
    topic: (id = "events") => clients.pubsub.topic(id, { batching: { maxMessages: 1 } }),
    now: Date.now,
    // A second more: its clock may not be this one.
    pass: (milliseconds, elsewhereMs = milliseconds) => sleep(elsewhereMs + 1000),
    get clock() {
      return onStandIn();
    },
    get directory() {
      return onStandIn();
    },
    get server() {
      return onStandIn();
    },
    restart: onStandIn,
    async [Symbol.asyncDispose]() {
      const [subscriptions] = await clients.pubsub.getSubscriptions();
      const [topics] = await clients.pubsub.getTopics();
      for (const left of [...subscriptions, ...topics]) {
        if (left.name.endsWith(SUFFIX)) await left.delete();
      }
      await closeClients(clients);
    },
  };
}

const openClients = (address: string | undefined) => ({
  pubsub: connect(address),
  rpc: connectRpc(address),
});

async function closeClients({ pubsub, rpc }: ReturnType<typeof openClients>): Promise<void> {
  await pubsub.close();
  await rpc.close();
}

/** Publishes one text and returns its message id. */
export function publishText(topic: Topic, text: string, orderingKey?: string): Promise<string> {
  const data = Buffer.from(text);
  return topic.publishMessage(orderingKey === undefined ? { data } : { data, orderingKey });
}

/** Tries until `check` does not throw, for at most a minute. */
export async function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  const end = Date.now() + 60_000 * PATIENCE;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/** A message as the low-level client pulls it, in short. */
export interface Pulled {
  ackId: string;
  text: string;
  id: string;
  attributes: Record<string, string>;
  deliveryAttempt: number;
}

/**
 * Pulls what there is now. A service that may give only a part at a time is asked until it has no
 * more.
 */
export async function pullNow(world: World, subscription: string, max = 100): Promise<Pulled[]> {
  const pulled = await pullOnce(world, subscription, max);
  if (TARGET === "standIn") return pulled;
  for (let quiet = 0; quiet < 3 && pulled.length < max; ) {
    await sleep(20 * PATIENCE);
    const more = await pullOnce(world, subscription, max - pulled.length);
    pulled.push(...more);
    quiet = more.length === 0 ? quiet + 1 : 0;
  }
  return pulled;
}

async function pullOnce(world: World, subscription: string, max: number): Promise<Pulled[]> {
  const [reply] = await world.rpc.subscriber.pull({
    subscription: subscriptionName(subscription),
    maxMessages: max,
    returnImmediately: true,
  });
  return (reply.receivedMessages ?? []).map(({ ackId, message, deliveryAttempt }) => ({
    ackId: ackId ?? "",
    text: Buffer.from(message?.data ?? "").toString(),
    id: message?.messageId ?? "",
    attributes: (message?.attributes ?? {}) as Record<string, string>,
    deliveryAttempt: deliveryAttempt ?? 0,
  }));
}

/** Changes the deadline of pulled messages; 0 is a nack. */
export async function modifyDeadline(
  world: World,
  subscription: string,
  change: { pulled: Pulled[]; seconds: number },
): Promise<void> {
  await world.rpc.subscriber.modifyAckDeadline({
    subscription: subscriptionName(subscription),
    ackIds: change.pulled.map(({ ackId }) => ackId),
    ackDeadlineSeconds: change.seconds,
  });
}

export async function acknowledge(
  world: World,
  subscription: string,
  pulled: Pulled[],
): Promise<void> {
  await world.rpc.subscriber.acknowledge({
    subscription: subscriptionName(subscription),
    ackIds: pulled.map(({ ackId }) => ackId),
  });
}

/** An id that no other test file uses: `events` becomes `events-1a2b3c4d`. */
export function named(id: string): string {
  return `${id}${SUFFIX}`;
}

/** The whole name; a whole name stays what it is. */
export function subscriptionName(id: string): string {
  return id.includes("/") ? id : `projects/${PROJECT}/subscriptions/${named(id)}`;
}

/** The whole name; a whole name stays what it is. */
export function topicName(id: string): string {
  return id.includes("/") ? id : `projects/${PROJECT}/topics/${named(id)}`;
}
