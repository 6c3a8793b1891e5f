import { randomUUID } from "node:crypto";
import type { World } from "./world.ts";

/** A firing of a trigger with an event whose data are `data`; its id. */
export async function storedFiring(
  world: Pick<World, "firestore" | "storage">,
  triggerId: string,
  { data = {}, ...parts }: { data?: object; outcome?: string; createdAt?: Date } = {},
): Promise<string> {
  const id = `fir_${randomUUID().replaceAll("-", "").slice(0, 22)}`;
  const event = { id, source: "/", type: "t", extensions: {}, data };
  const object = `events/${id}`;
  await world.storage.bucket("runyard-local").file(object).save(JSON.stringify(event));
  await world.firestore.doc(`firings/${id}`).set({
    ...{ id, schemaVersion: 1, owner: "local", triggerId, revision: 1, outcome: "filtered" },
    event: { source: "/", id, type: "t", subject: null, time: null, object },
    ...{ why: null, key: null, runId: null, redeliveryOf: null, depth: 1, duplicates: [] },
    ...{ createdAt: new Date(), expireAt: new Date(), ...parts },
  });
  return id;
}
