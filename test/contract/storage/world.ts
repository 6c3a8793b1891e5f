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
} from "../../../infra/local/storage/start.ts";
import type { Clock } from "../../../infra/local/wire/clock.ts";

/** The account whose signed URLs a world with keys accepts. */
export const SIGNER = "signer@project.iam.gserviceaccount.com";

/** A stand-in of its own, the official client pointed at it, and the bucket `test-bucket`. */
export interface World extends AsyncDisposable {
  server: RunningStorage;
  url: string;
  directory: string;
  storage: Storage;
  bucket: Bucket;
  /** Stops the server and starts it again on the same directory. */
  restart(): Promise<void>;
  /** Files in the content directory. */
  contentFiles(): Promise<string[]>;
}

/** Starts a world; on its end everything is closed and removed. */
export async function startWorld(options: Partial<StorageOptions> = {}): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), "storage-"));
  const all = { directory, buckets: ["test-bucket"], ...options };
  const server = await startStorage(all);
  const world: World = {
    ...connect(server),
    directory,
    async restart() {
      await world.server.close();
      Object.assign(world, connect(await startStorage(all)));
    },
    contentFiles: () => readdir(join(directory, "content")),
    async [Symbol.asyncDispose]() {
      await world.server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
  return world;
}

function connect(server: RunningStorage) {
  const storage = clientOf(server.url);
  return { server, url: server.url, storage, bucket: storage.bucket("test-bucket") };
}

/** The official client of a stand-in at `url`; it repeats nothing unless told to. */
export function clientOf(url: string, privateKey?: string): Storage {
  return new Storage({
    projectId: "project",
    apiEndpoint: url,
    retryOptions: { autoRetry: false },
    ...(privateKey && { authClient: authOf(privateKey) }),
  });
}

/** What the client signs URLs with. (Its option `credentials` does the same, and prints a warning each time.) */
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
