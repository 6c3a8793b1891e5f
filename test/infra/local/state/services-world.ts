import { CloudBuildClient } from "@google-cloud/cloudbuild";
import firestoreModule from "@google-cloud/firestore";
import { v1 as pubsubV1 } from "@google-cloud/pubsub";
import { Storage } from "@google-cloud/storage";
import { credentials } from "@grpc/grpc-js";
import { mountSmallDisk, type SmallDisk } from "../../../support/small-disk.ts";

const PROJECT = "small-disk";
const DOCUMENTS = `projects/${PROJECT}/databases/(default)/documents`;
const TOPIC = `projects/${PROJECT}/topics/topic`;
const SUBSCRIPTION = `projects/${PROJECT}/subscriptions/subscription`;

/** A call that is not tried again: what the service says is what the test sees. */
const ONCE = { retry: null } as unknown as Record<string, never>;

/** The four services on a disk of a few megabytes, and Google's clients. */
export interface ServicesWorld extends AsyncDisposable {
  disk: SmallDisk;
  clients: Clients;
  /** Starts the services again; the clients are new. */
  restart(how: "kill -9"): Promise<void>;
  /** Whether the process that was started last is there. */
  isAlive(): Promise<boolean>;
}

type Clients = ReturnType<typeof openClients>;

export async function startServicesWorld(): Promise<ServicesWorld> {
  const disk = mountSmallDisk(4 * 1024 * 1024);
  const host = `node --disable-warning=ExperimentalWarning test/infra/local/state/services-host.ts ${disk.path}`;
  const start = async () => {
    const addresses = JSON.parse(await disk.start(host.replace(/^node/, process.execPath)));
    return { addresses, clients: openClients(addresses) };
  };
  let running = await start();
  const close = () => closeClients(running.clients);
  return {
    disk,
    get clients() {
      return running.clients;
    },
    async restart() {
      await close();
      await disk.run(`kill -9 ${running.addresses.pid}; wait ${running.addresses.pid}`);
      running = await start();
    },
    async isAlive() {
      return (await disk.run(`kill -0 ${running.addresses.pid} && echo alive`)).includes("alive");
    },
    async [Symbol.asyncDispose]() {
      await close();
      await disk[Symbol.asyncDispose]();
    },
  };
}

interface Addresses {
  firestore: string;
  storage: string;
  pubsub: string;
  cloudBuild: string;
}

function openClients(addresses: Addresses) {
  const grpc = (address: string) => {
    const [servicePath = "", port = ""] = address.split(":");
    return {
      projectId: PROJECT,
      servicePath,
      port: Number(port),
      sslCreds: credentials.createInsecure(),
    };
  };
  return {
    firestore: new firestoreModule.v1.FirestoreClient(grpc(addresses.firestore)),
    publisher: new pubsubV1.PublisherClient(grpc(addresses.pubsub)),
    subscriber: new pubsubV1.SubscriberClient(grpc(addresses.pubsub)),
    builds: new CloudBuildClient(grpc(addresses.cloudBuild)),
    storage: new Storage({ projectId: PROJECT, apiEndpoint: addresses.storage }),
  };
}

async function closeClients({ storage: _, ...clients }: Clients): Promise<void> {
  await Promise.all(Object.values(clients).map((client) => client.close()));
}

/** Stores a document with one field. */
export async function commit({ firestore }: Clients, id: string): Promise<void> {
  const update = { name: `${DOCUMENTS}/things/${id}`, fields: { text: { stringValue: id } } };
  const database = `projects/${PROJECT}/databases/(default)`;
  await firestore.commit({ database, writes: [{ update }] }, ONCE);
}

/** The ids of the stored documents. */
export async function documentIds({ firestore }: Clients): Promise<string[]> {
  const request = { parent: DOCUMENTS, collectionId: "things" };
  const [documents] = await firestore.listDocuments(request);
  return documents.map(({ name }) => String(name).split("/").at(-1) ?? "");
}

export async function createTopic({ publisher, subscriber }: Clients): Promise<void> {
  await publisher.createTopic({ name: TOPIC }, ONCE);
  await subscriber.createSubscription({ name: SUBSCRIPTION, topic: TOPIC }, ONCE);
}

/** Pushes the subscription's messages to a URL. */
export async function pushTo({ subscriber }: Clients, pushEndpoint: string): Promise<void> {
  await subscriber.modifyPushConfig({ subscription: SUBSCRIPTION, pushConfig: { pushEndpoint } });
}

export async function publish({ publisher }: Clients, text: string): Promise<void> {
  await publisher.publish({ topic: TOPIC, messages: [{ data: Buffer.from(text) }] }, ONCE);
}

/** Pulls until nothing more comes at once; makes everything deliverable again. */
export async function pulled({ subscriber }: Clients): Promise<{ text: string; ackId: string }[]> {
  const request = { subscription: SUBSCRIPTION, maxMessages: 100, returnImmediately: true };
  const [{ receivedMessages }] = await subscriber.pull(request, ONCE);
  const received = (receivedMessages ?? []).map(({ message, ackId }) => ({
    text: String(message?.data),
    ackId: String(ackId),
  }));
  const ackIds = received.map(({ ackId }) => ackId);
  if (ackIds.length > 0) {
    const nack = { subscription: SUBSCRIPTION, ackIds, ackDeadlineSeconds: 0 };
    await subscriber.modifyAckDeadline(nack, ONCE).catch(() => {});
  }
  return received;
}

export async function acknowledge({ subscriber }: Clients, ackIds: string[]): Promise<void> {
  await subscriber.acknowledge({ subscription: SUBSCRIPTION, ackIds }, ONCE);
}

export async function upload({ storage }: Clients, name: string, content: Buffer): Promise<void> {
  await storage.bucket("test-bucket").file(name).save(content, { resumable: false });
}

/** The objects' names and contents. */
export async function objects({ storage }: Clients): Promise<Record<string, Buffer>> {
  const [files] = await storage.bucket("test-bucket").getFiles();
  const contents: Record<string, Buffer> = {};
  for (const file of files) [contents[file.name]] = await file.download();
  return contents;
}

/** Creates a build of one shell command and returns its id. */
export async function createBuild({ builds }: Clients, script: string): Promise<string> {
  const build = {
    steps: [{ name: "shell", args: [script] }],
    options: { logging: "NONE" as const },
  };
  const [operation] = await builds.createBuild({ projectId: PROJECT, build });
  const { metadata } = operation as unknown as { metadata: { build: { id: string } } };
  return metadata.build.id;
}

export async function buildStatus({ builds }: Clients, id: string): Promise<string> {
  const [build] = await builds.getBuild({ projectId: PROJECT, id });
  return String(build.status);
}
