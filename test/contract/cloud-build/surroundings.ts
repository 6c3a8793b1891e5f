import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PubSub } from "@google-cloud/pubsub";
import { Storage } from "@google-cloud/storage";
import { contractProject, emulatorHost, randomName, TARGET } from "../target.ts";

/** The project of this test file. */
export const PROJECT = contractProject();

/** The bucket of this test file's worlds. */
export const BUCKET = randomName("contract");

/** The objects of {@link BUCKET}. */
export interface Objects {
  write(name: string, content: Buffer): Promise<{ generation: string }>;
  /** An object's text and generation, if it is there. */
  find(name: string): Promise<{ text: string; generation: string } | undefined>;
  names(): Promise<string[]>;
}

/** A `cloud-builds` message as its subscriber sees it. */
export interface Message {
  projectId: string;
  attributes: Record<string, string>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into arbitrary JSON
  build: any;
}

/**
 * Objects in memory, each with its file for readers: what the stand-in reads and writes, and our
 * view of it.
 */
export function memoryStorage(folder: string) {
  const contents = new Map<string, { content: Buffer; generation: string }>();
  let generation = 1000;
  mkdirSync(folder);
  const pathOf = (of: string) => join(folder, of);
  const write = async (...[bucket, name, content]: [string, string, Buffer, string?]) => {
    generation += 1;
    const object = { content, generation: String(generation) };
    contents.set(`${bucket}/${name}`, object);
    writeFileSync(pathOf(object.generation), content);
    return { generation: object.generation };
  };
  const objects: Objects = {
    write: (name, content) => write(BUCKET, name, content),
    async find(name) {
      const object = contents.get(`${BUCKET}/${name}`);
      return object && { text: object.content.toString(), generation: object.generation };
    },
    names: async () =>
      [...contents.keys()]
        .filter((key) => key.startsWith(`${BUCKET}/`))
        .map((key) => key.slice(BUCKET.length + 1)),
  };
  return {
    objects,
    write,
    read(bucket: string, name: string, wanted?: string) {
      const object = contents.get(`${bucket}/${name}`);
      if (object === undefined || (wanted && wanted !== object.generation)) return undefined;
      return { generation: object.generation, path: pathOf(object.generation) };
    },
  };
}

/** The bucket in the Cloud Storage of the target; it is removed with what is in it. */
export async function openObjects(): Promise<Objects & AsyncDisposable> {
  const place = TARGET === "remote" ? {} : { apiEndpoint: `http://${emulatorHost("storage")}` };
  const [bucket] = await new Storage({ projectId: PROJECT, ...place }).createBucket(BUCKET);
  const generationOf = async (name: string) =>
    String((await bucket.file(name).getMetadata())[0].generation);
  return {
    async write(name, content) {
      await bucket.file(name).save(content, { resumable: false });
      return { generation: await generationOf(name) };
    },
    async find(name) {
      const [isThere] = await bucket.file(name).exists();
      if (!isThere) return undefined;
      const [content] = await bucket.file(name).download();
      return { text: content.toString(), generation: await generationOf(name) };
    },
    names: async () => (await bucket.getFiles())[0].map(({ name }) => name),
    async [Symbol.asyncDispose]() {
      // A build that was cancelled may still write the end of its log.
      for (let isEmpty = false; !isEmpty; ) {
        await bucket.deleteFiles({ force: true });
        isEmpty = await bucket.delete().then(
          () => true,
          (error: { code?: number }) => {
            if (error.code !== 409) throw error;
            return false;
          },
        );
      }
    },
  };
}

/** What the topic `cloud-builds` says from now on, in the Pub/Sub of the target. */
export async function openMessages(): Promise<{ messages: Message[] } & AsyncDisposable> {
  const place =
    TARGET === "remote" ? {} : { apiEndpoint: emulatorHost("pubsub"), emulatorMode: true };
  const pubsub = new PubSub({ projectId: PROJECT, ...place });
  const messages: Message[] = [];
  const topic = pubsub.topic("cloud-builds");
  // It is there once for the project, and stays.
  await topic.get({ autoCreate: true });
  const [subscription] = await topic.createSubscription(randomName("contract"));
  subscription.on("message", (message) => {
    const build = JSON.parse(message.data.toString());
    messages.push({ projectId: build.projectId, attributes: message.attributes, build });
    message.ack();
  });
  subscription.on("error", (error) => process.stderr.write(`${error.stack}\n`));
  return {
    messages,
    async [Symbol.asyncDispose]() {
      await subscription.close();
      await subscription.delete();
      await pubsub.close();
    },
  };
}
