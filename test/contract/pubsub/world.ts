import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PubSub, type Topic, v1 } from "@google-cloud/pubsub";
import { credentials } from "@grpc/grpc-js";
import { startPubsub } from "../../../infra/local/pubsub/start.ts";
import type { Clock } from "../../../infra/local/wire/clock.ts";

export const PROJECT = "test-project";

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

/** The official client, pointed at the stand-in. */
export function connect(address: string): PubSub {
  return new PubSub({ projectId: PROJECT, apiEndpoint: address, emulatorMode: true });
}

/** Google's generated clients, whose requests are the RPCs themselves. */
function connectRpc(address: string) {
  const [apiEndpoint = "", port] = address.split(":");
  const sslCreds = credentials.createInsecure();
  const options = { apiEndpoint, port: Number(port), sslCreds, projectId: PROJECT };
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

/** A running stand-in, its clock, and a client of it; with a topic `events`. */
export async function startWorld() {
  const directory = await temporaryDirectory();
  const clock = fakeClock();
  let server = await startPubsub({ directory: directory.path, clock });
  let pubsub = connect(server.address);
  let rpc = connectRpc(server.address);
  await pubsub.createTopic("events");
  return {
    clock,
    directory: directory.path,
    get pubsub() {
      return pubsub;
    },
    get rpc() {
      return rpc;
    },
    get server() {
      return server;
    },
    topic: (name = "events") => pubsub.topic(name, { batching: { maxMessages: 1 } }),
    async restart() {
      await pubsub.close();
      await rpc.close();
      await server.close();
      server = await startPubsub({ directory: directory.path, clock });
      pubsub = connect(server.address);
      rpc = connectRpc(server.address);
    },
    async [Symbol.asyncDispose]() {
      await pubsub.close();
      await rpc.close();
      await server.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

export type World = Awaited<ReturnType<typeof startWorld>>;

/** Publishes one text and returns its message id. */
export function publishText(topic: Topic, text: string, orderingKey?: string): Promise<string> {
  const data = Buffer.from(text);
  return topic.publishMessage(orderingKey === undefined ? { data } : { data, orderingKey });
}

/** Tries until `check` does not throw, for at most five seconds. */
export async function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  const end = Date.now() + 5000;
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

/** Pulls what there is now. */
export async function pullNow(world: World, subscription: string, max = 100): Promise<Pulled[]> {
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

export function subscriptionName(id: string): string {
  return `projects/${PROJECT}/subscriptions/${id}`;
}

export function topicName(id: string): string {
  return `projects/${PROJECT}/topics/${id}`;
}
