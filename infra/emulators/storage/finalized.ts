import type { ToldEvent } from "../wire/told-event.ts";
import { toObjectResource } from "./resources.ts";
import type { StoredObject } from "./state.ts";

/**
 * That an object has new content.
 *
 * @see https://cloud.google.com/eventarc/docs/workflows/cloudevents-storage
 */
export function objectFinalized(object: StoredObject, baseUrl: string): ToldEvent {
  const { bucket, name, generation, fields } = object;
  return {
    attributes: {
      specversion: "1.0",
      id: String(generation),
      source: `//storage.googleapis.com/projects/_/buckets/${bucket}`,
      type: "google.cloud.storage.object.v1.finalized",
      subject: `objects/${name}`,
      time: String(fields.timeCreated),
      bucket,
    },
    contentType: "application/json; charset=utf-8",
    data: Buffer.from(JSON.stringify(toObjectResource(object, baseUrl))),
  };
}
