import type { Readable } from "node:stream";
import type { Clock } from "../../../shared/clock.ts";
import type { StoredObject, StoredObjects } from "../../services/objects.ts";
import { type Calling, calling, codeOf } from "../google-error.ts";
import type { LazyStorage } from "./client.ts";

const NOT_FOUND = 404;

/** Objects in Cloud Storage, read piece by piece. */
export class StorageObjects implements StoredObjects {
  readonly #storage: LazyStorage;
  readonly #call: Calling;

  constructor(storage: LazyStorage, timers: Pick<Clock, "after">) {
    this.#storage = storage;
    this.#call = calling("Cloud Storage", timers);
  }

  async find(bucket: string, name: string): Promise<StoredObject | undefined> {
    const file = (await this.#storage()).bucket(bucket).file(name);
    try {
      const [metadata] = await this.#call(() => file.getMetadata());
      const generation = String(metadata.generation);
      return { bucket, name, generation, sizeBytes: Number(metadata.size) };
    } catch (error) {
      if (codeOf(error) === NOT_FOUND) return undefined;
      throw error;
    }
  }

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
