import { COLLECTIONS } from "../../shared/names.ts";
import { startEndpoint, withStatus } from "../functions/events/endpoint.ts";
import { eventually } from "./eventually.ts";
import type { World } from "./world.ts";

/** A webhook that is tried, disabled by its endpoint, and told of as such; and what the sweep asks. */
export async function webhooksAreTold(world: World, isTold: () => boolean): Promise<void> {
  await using endpoint = await startEndpoint();
  const post = async (path: string, json: object = {}) =>
    (await (await world.call(path, { json })).json()) as { id: string };
  const { id } = await post("/webhooks", { url: endpoint.url, labels: { told: "yes" } });
  const { id: ping } = await post(`/webhooks/${id}/ping`);
  const delivery = world.firestore.doc(`${COLLECTIONS.deliveries}/${ping}`);
  const isDelivered = async () => (await delivery.get()).get("status") === "delivered";
  await eventually(async () => expect(await isDelivered()).toBe(true));
  // As if its message had been lost.
  await delivery.update({ status: "pending", dueAt: new Date(0) });
  await world.local.tick();
  await eventually(async () => expect(await isDelivered()).toBe(true));
  endpoint.answer(withStatus(410));
  await post("/runs", { prompt: "echo told", labels: { told: "yes" } });
  const webhook = world.firestore.doc(`${COLLECTIONS.webhooks}/${id}`);
  await eventually(async () => {
    const now = await webhook.get();
    expect([now.get("enabled"), now.get("untold")]).toEqual([false, false]);
    expect(isTold()).toBe(true);
  });
}
