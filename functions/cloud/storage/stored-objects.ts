import type { Readable } from "node:stream";
import { codeOf, refusing } from "../google-error.ts";
import type { LazyStorage } from "./client.ts";

const NOT_FOUND = 404;

/** One generation of an object, whose content never changes. */
export interface StoredObject {
  bucket: string;
  name: string;
  generation: string;
  sizeBytes: number;
}

/** Objects in Cloud Storage, read piece by piece. */
export class StoredObjects {
  readonly #storage: LazyStorage;

  constructor(storage: LazyStorage) {
    this.#storage = storage;
  }

  /**
   * The object as it is now; undefined: there is none.
   *
   * @throws {AppError} unavailable, rate_limited
   */
  async find(bucket: string, name: string): Promise<StoredObject | undefined> {
    const file = (await this.#storage()).bucket(bucket).file(name);
    try {
      const [metadata] = await refusing("Cloud Storage", () => file.getMetadata());
      const generation = String(metadata.generation);
      return { bucket, name, generation, sizeBytes: Number(metadata.size) };
    } catch (error) {
      if (codeOf(error) === NOT_FOUND) return undefined;
      throw error;
    }
  }

  /**
   * The bytes from `start` to `end`, both included and inside the object; none if `end` is before
   * `start`. Some downloads come back short without an error; this throws then.
   */
  async *read(
    { bucket, name, generation }: StoredObject,
    { start, end }: { start: number; end: number },
  ): AsyncGenerator<Buffer> {
    if (end < start) return;
    const file = (await this.#storage()).bucket(bucket).file(name, { generation });
    const content = file.createReadStream({ start, end, decompress: false });
    // The client itself listens to it more often than Node finds sane.
    content.once("response", (response: Readable) => response.setMaxListeners(20));
    let left = end - start + 1;
    for await (const chunk of content) {
      left -= (chunk as Buffer).length;
      yield chunk as Buffer;
    }
    if (left !== 0) throw new Error(`${name}: ${left} of the bytes ${start}-${end} are missing`);
  }
}
