import { randomBytes } from "node:crypto";
import http from "node:http";
import type { AddressInfo } from "node:net";
import type { DocumentReference, Firestore } from "@google-cloud/firestore";
import type { PubSub } from "@google-cloud/pubsub";
import { type Bucket, Storage } from "@google-cloud/storage";
import * as grpc from "@grpc/grpc-js";
import { makeRunsInEveryPhase } from "../support/make-run.ts";
import { inParallel } from "./in-parallel.ts";
import { BUCKET, type Clients, openFirestore, openPubsub, PROJECT } from "./services.ts";

/** Does something often, and returns how often. */
export type Work = () => Promise<number>;

const WIDTH = 16;
const COMMITS = 500;
const MESSAGES = 1000;
const UPLOADS = 300;
const UPLOAD_BYTES = 10_000;
const LISTENERS = 50;
const UPDATES = 20;

const { run, state } = makeRunsInEveryPhase().succeeded;
/** As large as a run's document on the wire. */
const NOTIFICATION = Buffer.alloc(JSON.stringify(run).length);
const newId = (): string => randomBytes(11).toString("hex");

/** A run's two documents in one commit. */
export function commits(
  cleanup: AsyncDisposableStack,
  clients: Pick<Clients, "FIRESTORE_EMULATOR_HOST">,
): Work {
  const firestore = clientOf(cleanup, clients);
  return async () => {
    await inParallel({ count: COMMITS, width: WIDTH }, () => {
      const id = newId();
      const batch = firestore.batch();
      batch.create(firestore.doc(`runs/${id}`), run);
      batch.create(firestore.doc(`runState/${id}`), state);
      return batch.commit();
    });
    return COMMITS;
  };
}

function clientOf(
  cleanup: AsyncDisposableStack,
  clients: Pick<Clients, "FIRESTORE_EMULATOR_HOST">,
): Firestore {
  const firestore = openFirestore(clients);
  cleanup.defer(() => firestore.terminate());
  return firestore;
}

/** Listeners on one run's document, each of which is told each change before the next is made. */
export function notifications(
  cleanup: AsyncDisposableStack,
  clients: Pick<Clients, "FIRESTORE_EMULATOR_HOST">,
): Work {
  const writer = clientOf(cleanup, clients);
  const readers = Array.from({ length: LISTENERS }, () => clientOf(cleanup, clients));
  return async () => {
    const document = writer.doc(`runs/${newId()}`);
    await document.set({ ...run, attempt: 0 });
    const everyone = gathering();
    const stops = readers.map((reader) => listen(reader.doc(document.path), everyone));
    await everyone.reached(0);
    for (let version = 1; version <= UPDATES; version += 1) {
      await document.set({ ...run, attempt: version });
      await everyone.reached(version);
    }
    for (const stop of stops) stop();
    return LISTENERS * UPDATES;
  };
}

interface Gathering {
  arrive(version: number): void;
  reached(version: number): Promise<void>;
}

/** Resolves when every listener has seen a version. */
function gathering(): Gathering {
  const seen = new Map<number, number>();
  let waiting = { version: -1, resolve: () => {} };
  const isReached = (version: number) => (seen.get(version) ?? 0) >= LISTENERS;
  return {
    arrive(version) {
      seen.set(version, (seen.get(version) ?? 0) + 1);
      if (isReached(waiting.version)) waiting.resolve();
    },
    reached: (version) =>
      new Promise((resolve) => {
        if (isReached(version)) resolve();
        else waiting = { version, resolve };
      }),
  };
}

function listen(document: DocumentReference, everyone: Gathering): () => void {
  return document.onSnapshot((snapshot) => everyone.arrive(snapshot.get("attempt") as number));
}

/** The same traffic over bare gRPC streams: a message in, one out on each. */
export function broadcasts(cleanup: AsyncDisposableStack, port: number): Work {
  const address = `127.0.0.1:${port}`;
  const same = (bytes: Buffer) => bytes;
  const clients = Array.from({ length: LISTENERS }, () => {
    const options = { "grpc.use_local_subchannel_pool": 1 };
    const client = new grpc.Client(address, grpc.credentials.createInsecure(), options);
    cleanup.defer(() => client.close());
    return client;
  });
  return async () => {
    const everyone = gathering();
    const streams = clients.map((client) => {
      const stream = client.makeBidiStreamRequest("/bench.Echo/Broadcast", same, same);
      stream.on("data", (bytes: Buffer) => everyone.arrive(bytes.readUInt32BE(0)));
      stream.on("error", () => {});
      return stream;
    });
    const first = streams[0] as (typeof streams)[0];
    // Until every stream is open the first messages miss some of them.
    await new Promise((resolve) => setTimeout(resolve, 200));
    for (let version = 1; version <= UPDATES; version += 1) {
      const bytes = Buffer.from(NOTIFICATION);
      bytes.writeUInt32BE(version);
      first.write(bytes);
      await everyone.reached(version);
    }
    for (const stream of streams) stream.cancel();
    return LISTENERS * UPDATES;
  };
}

function pubsubOf(cleanup: AsyncDisposableStack, address: string): PubSub {
  const pubsub = openPubsub(address);
  cleanup.defer(() => pubsub.close());
  return pubsub;
}

/**
 * What {@link publishes} needs of an emulator: the topic and a subscription that keeps what is
 * published.
 */
export async function provisionTopic(
  cleanup: AsyncDisposableStack,
  address: string,
): Promise<void> {
  const [topic] = await pubsubOf(cleanup, address).topic("run-requests").get({ autoCreate: true });
  const [subscription] = await topic.createSubscription(`bench-${newId()}`);
  cleanup.defer(() => subscription.delete().then(() => {}));
}

/** One message a request, as the API publishes. */
export function publishes(cleanup: AsyncDisposableStack, address: string): Work {
  const topic = pubsubOf(cleanup, address).topic("run-requests", { batching: { maxMessages: 1 } });
  return async () => {
    const json = { runId: `run_${newId()}`, attempt: 1 };
    await inParallel({ count: MESSAGES, width: WIDTH }, () => topic.publishMessage({ json }));
    return MESSAGES;
  };
}

/** From the first publish to the last push taken; messages go out a hundred at a time. */
export async function pushes(cleanup: AsyncDisposableStack, address: string): Promise<Work> {
  let waiting = { left: 0, resolve: () => {} };
  const port = await endpoint(cleanup, () => {
    waiting.left -= 1;
    if (waiting.left === 0) waiting.resolve();
  });
  const pubsub = pubsubOf(cleanup, address);
  const name = `pushed-${newId()}`;
  const [topic] = await pubsub.createTopic(name);
  cleanup.defer(() => topic.delete().then(() => {}));
  const pushEndpoint = `http://127.0.0.1:${port}/`;
  const [subscription] = await topic.createSubscription(name, { pushEndpoint });
  cleanup.defer(() => subscription.delete().then(() => {}));
  const batched = pubsub.topic(name, { batching: { maxMessages: 100 } });
  return async () => {
    const all = new Promise<void>((resolve) => {
      waiting = { left: MESSAGES, resolve };
    });
    const json = { runId: `run_${newId()}`, attempt: 1 };
    const sent = Array.from({ length: MESSAGES }, () => batched.publishMessage({ json }));
    await Promise.all([...sent, all]);
    return MESSAGES;
  };
}

async function endpoint(cleanup: AsyncDisposableStack, onRequest: () => void): Promise<number> {
  const server = http.createServer((request, response) => {
    request.resume().on("end", () => {
      response.writeHead(204).end();
      onRequest();
    });
  });
  cleanup.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve());
  });
  return (server.address() as AddressInfo).port;
}

function bucketAt(url: string): Bucket {
  return new Storage({ projectId: PROJECT, apiEndpoint: url }).bucket(BUCKET);
}

/** What {@link uploads} needs of an emulator: the bucket, which is empty again afterwards. */
export async function provisionBucket(cleanup: AsyncDisposableStack, url: string): Promise<void> {
  const bucket = bucketAt(url);
  await bucket.get({ autoCreate: true });
  cleanup.defer(() => bucket.deleteFiles({ prefix: "bench/", force: true }));
}

/** Small objects, each created once, as the functions upload. */
export function uploads(url: string): Work {
  const bucket = bucketAt(url);
  const bytes = randomBytes(UPLOAD_BYTES);
  const options = { resumable: false, preconditionOpts: { ifGenerationMatch: 0 } };
  return async () => {
    await inParallel({ count: UPLOADS, width: WIDTH }, () =>
      bucket.file(`bench/${newId()}`).save(bytes, options),
    );
    return UPLOADS;
  };
}

/** The same bytes by bare requests over connections that stay open. */
export function puts(cleanup: AsyncDisposableStack, port: number, count = UPLOADS): Work {
  const agent = new http.Agent({ keepAlive: true, maxSockets: WIDTH });
  cleanup.defer(() => agent.destroy());
  const bytes = randomBytes(UPLOAD_BYTES);
  const put = () =>
    new Promise<void>((resolve, reject) => {
      const options = { port, host: "127.0.0.1", method: "PUT", agent };
      const request = http.request(options, (response) => response.resume().on("end", resolve));
      request.on("error", reject).end(bytes);
    });
  return async () => {
    await inParallel({ count, width: WIDTH }, put);
    return count;
  };
}
