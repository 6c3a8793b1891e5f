import type { Readable } from "node:stream";
import type { File } from "@google-cloud/storage";
import type { Clock } from "../../../shared/clock.ts";
import type { StoredObject, StoredObjects } from "../../services/objects.ts";
import { type Calling, codeOf } from "../google-error.ts";
import { callingStorage } from "./calling.ts";
import type { LazyStorage } from "./client.ts";

const NOT_FOUND = 404;

/** Objects in Cloud Storage, read piece by piece. */
export class StorageObjects implements StoredObjects {
  readonly #storage: LazyStorage;
  readonly #call: Calling;

  constructor(storage: LazyStorage, timers: Pick<Clock, "after">) {
    this.#storage = storage;
    this.#call = callingStorage(timers);
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
    let left = end - start + 1;
    const { first, rest } = await this.#call(() => beginningOf(file, { start, end }));
    try {
      for (let next = first; !next.done; next = await rest.next()) {
        left -= next.value.length;
        yield next.value;
      }
    } finally {
      // Whoever wants no more of it ends the download, too.
      await rest.return?.();
    }
    if (left !== 0) throw new Error(`${name}: ${left} of the bytes ${start}-${end} are missing`);
  }
}

/** Opens a download and waits for its first piece: what fails before it may be begun again. */
async function beginningOf(
  file: File,
  { start, end }: { start: number; end: number },
): Promise<{ first: IteratorResult<Buffer, undefined>; rest: AsyncIterator<Buffer, undefined> }> {
  const content = file.createReadStream({ start, end, decompress: false });
  // The client itself listens to it more often than Node finds sane.
  content.once("response", (response: Readable) => response.setMaxListeners(20));
  const rest = content[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
  return { first: await rest.next(), rest };
}
