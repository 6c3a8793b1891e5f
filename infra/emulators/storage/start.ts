import type { Callers } from "../wire/callers.ts";
import { type Clock, systemClock } from "../wire/clock.ts";
import { inTransaction } from "../wire/database.ts";
import type { InjectedFaults } from "../wire/faults.ts";
import type { TellEvent } from "../wire/told-event.ts";
import { withFaults } from "./fault-router.ts";
import { objectFinalized } from "./finalized.ts";
import { createBucket } from "./operations/buckets.ts";
import { findRoute } from "./routes.ts";
import { startServer } from "./service.ts";
import { contentPath, findObject, openState, type State } from "./state.ts";
import { storeObject } from "./store-object.ts";

/** How to start the stand-in of Cloud Storage. */
export interface StorageOptions {
  /** Where everything is kept; made if missing. One process at a time. */
  directory: string;
  /** Default: any free one. */
  port?: number;
  /** Host names that it may be called by beside those of loopback, in lower case. Default: none. */
  hosts?: readonly string[] | undefined;
  /** Who gets an address of its own, and what it may. Default: there is the owner alone. */
  callers?: Callers | undefined;
  clock?: Clock;
  /** Buckets that shall exist: those that do not are made. */
  buckets?: string[];
  /**
   * PEM public keys by service account (`x@y.iam.gserviceaccount.com`). With them signed URLs must
   * bear a right signature of one of these accounts; without, only their expiry is looked at.
   */
  signingKeys?: Record<string, string>;
  /** Is told of each object that has new content. Default: nobody is. */
  tell?: TellEvent;
  /** What goes wrong. Default: nothing, and nothing of it is in the way of a request. */
  faults?: InjectedFaults;
}

/** An object's content on disk. */
interface ObjectOnDisk {
  generation: string;
  /** Read it at once: the file goes when the object is deleted or superseded. Never write to it. */
  path: string;
  contentType: string;
  sizeBytes: number;
}

/** The running stand-in of Cloud Storage. */
export interface RunningStorage extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`: the official client's `apiEndpoint`. */
  url: string;
  /** The same for an account of {@link Callers}. */
  urlOf(account: string): string;
  /** The live object, if there is one and, where a generation is named, it is that. */
  readObject(bucket: string, name: string, generation?: string): ObjectOnDisk | undefined;
  /**
   * Makes or replaces an object. @throws {StorageError} noSuchBucket; {@link GoogleError} for a bad
   * name
   */
  writeObject(
    bucket: string,
    name: string,
    content: Buffer,
    contentType: string,
  ): Promise<{ generation: string }>;
  /**
   * Ends open requests and frees port and files; what was acknowledged is there at the next start.
   */
  close(): Promise<void>;
}

/**
 * Starts the stand-in of Cloud Storage on loopback, with what an earlier process left in
 * `directory`.
 *
 * Speaks the JSON API and, for signed URLs, the XML API's requests on single objects.
 */
export async function startStorage(options: StorageOptions): Promise<RunningStorage> {
  const { directory, clock = systemClock, buckets = [], signingKeys } = options;
  const route = withFaults(findRoute, options.faults);
  const state = openState(directory, clock, signingKeys);
  for (const bucket of buckets) ensureBucket(state, bucket);
  const server = await startServer(state, route, options);
  const { tell } = options;
  if (tell) state.onFinalized = (object) => tell(objectFinalized(object, server.url));
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= server.close().then(() => state.database.close());
    return closing;
  };
  return {
    url: server.url,
    urlOf: server.urlOf,
    readObject: (bucket, name, generation) => readObject(state, { bucket, name, generation }),
    // biome-ignore lint/complexity/useMaxParams: four plain values, as a caller of an HTTP PUT gives them
    async writeObject(bucket, name, content, contentType) {
      const fields = { contentType };
      const upload = { bucket, name, fields, preconditions: {}, declared: {} };
      const stored = await storeObject(state, upload, once(content));
      return { generation: String(stored.generation) };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function ensureBucket(state: State, name: string): void {
  inTransaction(state.database, () => {
    const row = state.database.prepare("SELECT 1 FROM buckets WHERE name = ?").get(name);
    if (row === undefined) createBucket(state, name);
  });
}

function readObject(
  state: State,
  wanted: { bucket: string; name: string; generation: string | undefined },
): ObjectOnDisk | undefined {
  const object = findObject(state, wanted.bucket, wanted.name);
  if (object === undefined) return undefined;
  const generation = String(object.generation);
  if ((wanted.generation ?? generation) !== generation) return undefined;
  return {
    generation,
    path: contentPath(state, object.content),
    contentType: object.fields.contentType ?? "application/octet-stream",
    sizeBytes: object.sizeBytes,
  };
}

async function* once(content: Buffer): AsyncGenerator<Buffer> {
  yield content;
}
