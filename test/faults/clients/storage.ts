import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { ApiError, type Storage } from "@google-cloud/storage";
import type { Caller } from "./caller.ts";

/** A live object. */
export interface MemoryObject {
  name: string;
  bytes: Buffer;
  generation: number;
  contentType: string;
  md5Hash: string;
}

/** Buckets in memory. */
export class MemoryObjects {
  readonly #buckets = new Map<string, Map<string, MemoryObject>>();
  #lastGeneration = 1_700_000_000_000_000;

  bucket(name: string): Map<string, MemoryObject> {
    const objects = this.#buckets.get(name) ?? new Map<string, MemoryObject>();
    this.#buckets.set(name, objects);
    return objects;
  }

  /**
   * @throws {ApiError} 412 if a generation is asked for that is not the live one's; 0: that of none
   */
  insert(bucket: string, draft: Draft): MemoryObject {
    const objects = this.bucket(bucket);
    const live = objects.get(draft.name);
    const { ifGenerationMatch, ...rest } = draft;
    if (ifGenerationMatch !== undefined && ifGenerationMatch !== (live?.generation ?? 0)) {
      throw apiError(412, "At least one of the pre-conditions you specified did not hold.");
    }
    this.#lastGeneration += 1;
    const md5Hash = createHash("md5").update(draft.bytes).digest("base64");
    const object = { ...rest, md5Hash, generation: this.#lastGeneration };
    objects.set(draft.name, object);
    return object;
  }

  /** @throws {ApiError} 404 */
  find(bucket: string, name: string, generation?: number): MemoryObject {
    const object = this.bucket(bucket).get(name);
    if (object !== undefined && (generation ?? object.generation) === object.generation)
      return object;
    throw apiError(404, `No such object: ${bucket}/${name}`);
  }
}

interface Draft {
  name: string;
  bytes: Buffer;
  contentType: string;
  ifGenerationMatch?: number | undefined;
}

interface SaveOptions {
  contentType?: string;
  metadata?: { contentType?: string; md5Hash?: string };
  preconditionOpts?: { ifGenerationMatch?: number | string };
}

/** A refusal as Google's client of Cloud Storage throws it. */
export function apiError(code: number, message: string): ApiError {
  // Its constructor parses an answer that there is none of here, at the price of a whole call.
  const error = Object.assign(Object.create(ApiError.prototype), { code, message });
  return Object.assign(error, { errors: [{ message }] }) as ApiError;
}

/** The part of an attempt that an object is, for the table of calls: `claim`, `input`. */
function roleOf(name: string): string {
  const [, role = "other"] =
    /^attempts\/[^/]+\/[^/]+\/(claim|cancel|manifest|input|outputs|checkpoints)/.exec(name) ?? [];
  if (name.startsWith("events/")) return "event";
  return name.startsWith("log-") ? "log" : role;
}

async function* once<T>(read: () => Promise<T>): AsyncGenerator<T> {
  yield await read();
}

/**
 * A client of Cloud Storage on buckets in memory, with the calls that our adapters make. What it
 * throws is what Google's client throws when it has given up repeating.
 */
export function memoryStorage(objects: MemoryObjects, caller: Caller): Storage {
  return { bucket: (name: string) => bucketOf({ objects, caller, bucket: name }) } as never;
}

interface Place {
  objects: MemoryObjects;
  caller: Caller;
  bucket: string;
}

function bucketOf(place: Place): object {
  const { objects, caller, bucket } = place;
  return {
    name: bucket,
    file: (name: string, options?: { generation?: string | number }) =>
      fileOf(place, name, options?.generation),
    async getFiles({ prefix = "", delimiter }: { prefix?: string; delimiter?: string } = {}) {
      const role = roleOf(`${prefix}x`);
      const names = await caller.call(`storage.list ${role}`, () =>
        [...objects.bucket(bucket).keys()]
          .filter((name) => name.startsWith(prefix))
          .filter((name) => !delimiter || !name.slice(prefix.length).includes(delimiter))
          .sort(),
      );
      return [names.map((name) => fileOf(place, name))];
    },
  };
}

function fileOf({ objects, caller, bucket }: Place, name: string, asked?: string | number): object {
  const generation = asked === undefined ? undefined : Number(asked);
  const role = roleOf(name);
  return {
    name,
    async save(content: string | Buffer, options: SaveOptions = {}): Promise<void> {
      const bytes = Buffer.from(content);
      const match = options.preconditionOpts?.ifGenerationMatch;
      const type = options.contentType ?? options.metadata?.contentType;
      const draft = { name, bytes, contentType: type ?? "application/octet-stream" };
      const ifGenerationMatch = match === undefined ? undefined : Number(match);
      await caller.call(`storage.insert ${role}`, () =>
        objects.insert(bucket, { ...draft, ifGenerationMatch }),
      );
    },
    async getMetadata() {
      const found = await caller.call(`storage.metadata ${role}`, () =>
        objects.find(bucket, name, generation),
      );
      const { bytes, contentType, md5Hash } = found;
      const size = String(bytes.length);
      return [{ name, bucket, size, generation: String(found.generation), contentType, md5Hash }];
    },
    async download(): Promise<[Buffer]> {
      const read = () => objects.find(bucket, name, generation).bytes;
      return [await caller.call(`storage.download ${role}`, read)];
    },
    createReadStream({ start = 0, end = Infinity }: { start?: number; end?: number } = {}) {
      const read = () => objects.find(bucket, name, generation).bytes.subarray(start, end + 1);
      return Readable.from(once(() => caller.call(`storage.download ${role}`, read)));
    },
    async delete({ ignoreNotFound = false }: { ignoreNotFound?: boolean } = {}) {
      await caller.call(`storage.delete ${role}`, () => {
        if (objects.bucket(bucket).delete(name) || ignoreNotFound) return;
        throw apiError(404, `No such object: ${bucket}/${name}`);
      });
    },
  };
}
