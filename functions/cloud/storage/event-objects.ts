import type { Clock } from "../../../shared/clock.ts";
import { eventObject } from "../../../shared/triggers/event-object.ts";
import type { IncomingEvent } from "../../../shared/triggers/incoming-event.ts";
import type { EventObjects } from "../../services/event-objects.ts";
import type { StoredObjects } from "../../services/objects.ts";
import { type Calling, codeOf } from "../google-error.ts";
import { callingStorage } from "./calling.ts";
import type { LazyStorage } from "./client.ts";
import { StorageObjects } from "./storage-objects.ts";

const PRECONDITION_FAILED = 412;

/** Events in Cloud Storage; the bucket's lifecycle removes them. */
export class StorageEvents implements EventObjects {
  readonly #bucket: string;
  readonly #storage: LazyStorage;
  readonly #objects: StoredObjects;
  readonly #call: Calling;

  constructor({ bucket }: { bucket: string }, storage: LazyStorage, timers: Pick<Clock, "after">) {
    this.#bucket = bucket;
    this.#objects = new StorageObjects(storage, timers);
    this.#storage = storage;
    this.#call = callingStorage(timers);
  }

  async keep(event: IncomingEvent): Promise<string> {
    const json = JSON.stringify(event);
    const object = eventObject(json);
    const file = (await this.#storage()).bucket(this.#bucket).file(object);
    const metadata = { contentType: "application/json" };
    const preconditionOpts = { ifGenerationMatch: 0 };
    try {
      await this.#call(() => file.save(json, { resumable: false, metadata, preconditionOpts }));
    } catch (error) {
      // It is there, and there is but one content for its name.
      if (codeOf(error) !== PRECONDITION_FAILED) throw error;
    }
    return object;
  }

  async read(object: string): Promise<IncomingEvent | undefined> {
    const found = await this.#objects.find(this.#bucket, object);
    if (found === undefined) return undefined;
    const pieces = this.#objects.read(found, { start: 0, end: found.sizeBytes - 1 });
    return JSON.parse(Buffer.concat(await Array.fromAsync(pieces)).toString("utf8"));
  }
}
