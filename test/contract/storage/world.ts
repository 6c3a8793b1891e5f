import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bucket, Storage } from "@google-cloud/storage";
import { googleAuthLibrary } from "google-gax";
import {
  type RunningStorage,
  type StorageOptions,
  startStorage,
} from "../../../infra/emulators/storage/start.ts";
import type { Clock } from "../../../infra/emulators/wire/clock.ts";
import { googleAuthorization } from "../google-channel.ts";
import { contractProject, emulatorHost, randomName, TARGET } from "../target.ts";

const PROJECT = contractProject();

/** The account whose signed URLs a world with keys accepts. */
export const SIGNER = "signer@project.iam.gserviceaccount.com";

/** The bucket of this test file's worlds; names that begin with it are the file's, too. */
export const BUCKET = randomName("contract");

/** A Cloud Storage, the official client pointed at it, and the bucket {@link BUCKET}. */
export interface World extends AsyncDisposable {
  url: string;
  storage: Storage;
  bucket: Bucket;
  /** Makes an object, with as little ado as possible. */
  put(name: string, content: string): Promise<void>;
  /** Checks how many files the contents take, where that can be seen. */
  expectContentFiles(count: number): Promise<void>;
  /** On the stand-in alone. */
  server: RunningStorage;
  /** On the stand-in alone. */
  directory: string;
  /** Stops the server and starts it again on the same directory. On the stand-in alone. */
  restart(): Promise<void>;
  /** Files in the content directory. On the stand-in alone. */
  contentFiles(): Promise<string[]>;
}

/**
 * The stand-in on a directory of its own, or the target; what the test makes is removed at its end.
 */
export function startWorld(options: Partial<StorageOptions> = {}): Promise<World> {
  return TARGET === "standIn" ? startStandIn(options) : openTarget();
}

async function startStandIn(options: Partial<StorageOptions>): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), "storage-"));
  const all = { directory, buckets: [BUCKET], ...options };
  const server = await startStorage(all);
  const world: World = {
    server,
    ...connect(server.url),
    directory,
    async put(name, content) {
      await world.server.writeObject(BUCKET, name, Buffer.from(content), "text/plain");
    },
    async restart() {
      await world.server.close();
      const next = await startStorage(all);
      Object.assign(world, { server: next }, connect(next.url));
    },
    contentFiles: () => readdir(join(directory, "content")),
    async expectContentFiles(count) {
      expect(await world.contentFiles()).toHaveLength(count);
    },
    async [Symbol.asyncDispose]() {
      await world.server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
  return world;
}

const GOOGLE_URL = "https://storage.googleapis.com";

async function openTarget(): Promise<World> {
  const clients = connect(TARGET === "remote" ? GOOGLE_URL : `http://${emulatorHost("storage")}`);
  const { storage, bucket } = clients;
  const patient = new Storage({ projectId: PROJECT, apiEndpoint: clients.url });
  await patient.createBucket(BUCKET);
  const onStandIn = () => {
    throw new Error("only the stand-in has this; declare the test as standInTest");
  };
  return {
    ...clients,
    storage,
    put: (name, content) => bucket.file(name).save(content, { resumable: false }),
    expectContentFiles: async () => {},
    contentFiles: onStandIn,
    restart: onStandIn,
    get server() {
      return onStandIn();
    },
    get directory() {
      return onStandIn();
    },
    async [Symbol.asyncDispose]() {
      const [made] = await patient.getBuckets({ prefix: BUCKET });
      for (const left of made) {
        await left.deleteFiles({ force: true });
        await left.delete();
      }
    },
  };
}

function connect(url: string) {
  const storage = clientOf(url);
  return { url, storage, bucket: storage.bucket(BUCKET) };
}

/** The official client at `url`; it repeats nothing unless told to. */
export function clientOf(url: string, privateKey?: string): Storage {
  return new Storage({
    projectId: PROJECT,
    apiEndpoint: url,
    retryOptions: { autoRetry: false },
    ...(privateKey && { authClient: authOf(privateKey) }),
  });
}

/** A request without the client, with credentials where they are asked for. */
export async function send(url: string, init: RequestInit = {}): Promise<Response> {
  if (TARGET !== "remote") return fetch(url, init);
  const headers = new Headers(init.headers);
  headers.set("authorization", await googleAuthorization());
  return fetch(url, { ...init, headers });
}

/**
 * What the client signs URLs with. (Its option `credentials` does the same, and prints a warning
 * each time.)
 */
function authOf(privateKey: string) {
  const { GoogleAuth, JWT } = googleAuthLibrary;
  const auth = new GoogleAuth({ authClient: new JWT({ email: SIGNER, key: privateKey }) });
  auth.jsonContent = { client_email: SIGNER, private_key: privateKey };
  return auth;
}

/** A key pair in PEM form. */
export function makeKeys(): { publicKey: string; privateKey: string } {
  return generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
}

/** A clock that stands still until it is told. */
export function makeClock(startMs = Date.now()): Clock & { advance(ms: number): void } {
  let nowMs = startMs;
  return {
    now: () => nowMs,
    setTimeout: () => () => undefined,
    advance(ms) {
      nowMs += ms;
    },
  };
}

/** Bytes that do not repeat soon, the same for the same seed. */
export function makeBytes(sizeBytes: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  let value = seed;
  for (let index = 0; index + 4 <= sizeBytes; index += 4) {
    value = (Math.imul(value, 1664525) + 1013904223) >>> 0;
    bytes.writeUInt32LE(value, index);
  }
  return bytes;
}
