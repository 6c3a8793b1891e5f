import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Message, Topic } from "@google-cloud/pubsub";
import { attempt, type Field, type Load, runLanes } from "./field.ts";

const UNAVAILABLE = 14;
const DELIVERED_WITHIN_MS = 30_000;

/** The client's own patience multiplies its pauses by four, up to a minute. */
const PATIENCE = {
  initialRetryDelayMillis: 30,
  retryDelayMultiplier: 1.5,
  maxRetryDelayMillis: 300,
  initialRpcTimeoutMillis: 5000,
  rpcTimeoutMultiplier: 1,
  maxRpcTimeoutMillis: 5000,
  totalTimeoutMillis: 60_000,
};

/**
 * Published messages: each acknowledged one reaches the stream and the push endpoint, unchanged.
 */
export interface PublishLoad extends Load, AsyncDisposable {
  /** The statuses of each build, as the topic `cloud-builds` told them. */
  statuses: Map<string, Set<string>>;
}

/** Makes topics and subscriptions and begins to receive. Call while a host is there. */
export async function publishLoad(field: Field): Promise<PublishLoad> {
  const { pubsub } = field.clients;
  const acknowledged = new Set<string>();
  const streamed = new Set<string>();
  const statuses = new Map<string, Set<string>>();
  const [topic] = await pubsub.createTopic("events");
  await pubsub.createTopic("cloud-builds");
  const push = await startEndpoint((data) => noteText(field, data));
  await topic.createSubscription("streamed", { ackDeadlineSeconds: 10 });
  await topic.createSubscription("pushed", { pushEndpoint: push.url, ackDeadlineSeconds: 10 });
  await pubsub.topic("cloud-builds").createSubscription("statuses", { ackDeadlineSeconds: 10 });
  const subscriptions = [
    receive(field, "streamed", (message) => {
      streamed.add(noteText(field, message.data));
    }),
    receive(field, "statuses", ({ attributes }) => {
      const { buildId = "", status = "" } = attributes;
      statuses.set(buildId, (statuses.get(buildId) ?? new Set()).add(status));
    }),
  ];
  const batching = { maxMessages: 5, maxMilliseconds: 2 };
  const retry = { retryCodes: [UNAVAILABLE], backoffSettings: PATIENCE };
  // One that repeats what was not answered, and one that gives up: what became of it is then not
  // known.
  const publishers = [
    pubsub.topic("events", { batching, gaxOpts: { retry } }),
    pubsub.topic("events", { batching, gaxOpts: { retry: null } }),
  ];
  let last = 0;
  const missing = () =>
    [...acknowledged].filter((text) => !streamed.has(text) || !push.received.has(text));
  return {
    statuses,
    run: () =>
      runLanes(field, 4, async (lane) => {
        const text = textOf(last++);
        const publisher = publishers[lane % 2] as Topic;
        const work = () => publisher.publishMessage({ data: Buffer.from(text) });
        if (await attempt(field, "publishes", { work })) acknowledged.add(text);
      }),
    async check() {
      const giveUpAt = Date.now() + DELIVERED_WITHIN_MS;
      while (missing().length > 0 && Date.now() < giveUpAt) await sleep(50);
      for (const text of missing()) {
        const [id] = text.split(" ");
        const streams = streamed.has(text) ? "" : "stream ";
        const pushes = push.received.has(text) ? "" : "push";
        field.violations.push(`publishes: ${id} never came by ${streams}${pushes}`);
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(subscriptions.map((subscription) => subscription.close()));
      await push.close();
    },
  };
}

/** A text whose second word follows from its first. */
function textOf(n: number): string {
  return `m${n} ${"x".repeat(n % 700)}${n}`;
}

function noteText(field: Field, data: Buffer): string {
  const text = data.toString();
  if (text !== textOf(Number(text.split(" ")[0]?.slice(1)))) {
    field.violations.push(`publishes: a message came changed: ${text.slice(0, 80)}`);
  }
  return text;
}

function receive(field: Field, name: string, take: (message: Message) => void) {
  const subscription = field.clients.pubsub.subscription(name, {
    flowControl: { maxMessages: 200 },
  });
  subscription.on("message", (message: Message) => {
    take(message);
    message.ack();
  });
  subscription.on("error", (error) => {
    field.violations.push(`publishes: the stream of ${name} ended: ${String(error)}`);
  });
  return subscription;
}

async function startEndpoint(take: (data: Buffer) => string) {
  const received = new Set<string>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("error", () => {});
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { message } = JSON.parse(Buffer.concat(chunks).toString());
      received.add(take(Buffer.from(message.data, "base64")));
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    received,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
