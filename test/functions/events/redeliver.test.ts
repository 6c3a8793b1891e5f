import { Webhook } from "standardwebhooks";
import { deliveryId } from "../../../shared/documents/delivery.ts";
import { WEBHOOK_LIMITS } from "../../../shared/events/webhook-limits.ts";
import { withStatus } from "./endpoint.ts";
import { eventOf, startWebhookWorld } from "./webhook-world.ts";

test("a redelivery has the same id and today's secret, that of before too for a day, and is no failure", async () => {
  await using world = await startWebhookWorld();
  const { owner, call, webhook } = await world.newOwner();
  const hook = await webhook();
  const event = eventOf(owner);
  await world.tell(event);
  const id = deliveryId(hook.id, event.attributes["ce-id"] ?? "");
  await world.attempt({ deliveryId: id, attempts: 0 });
  const { body: rotated } = await call(`POST /webhooks/${hook.id}/rotate`);
  const { previousSecretUntil: until } = await world.webhookOf(hook.id);
  const hours = ((until?.getTime() ?? 0) - Date.now()) / 3_600_000;
  expect(Math.round(hours)).toBe(WEBHOOK_LIMITS.rotation / 3600);

  /** Asks for it once more of an endpoint that fails; which secret verifies what it was sent. */
  async function verifiedBy() {
    const again = await call(`POST /webhooks/${hook.id}/deliveries/${id}/redeliver`);
    expect(again.status).toBeLessThan(300);
    const message = world.asked.at(-1);
    world.endpoint.answer(withStatus(500));
    await world.attempt(message as NonNullable<typeof message>);
    const { headers, body } = world.endpoint.received.at(-1) as (typeof world.endpoint.received)[0];
    expect(headers["webhook-id"]).toBe(id);
    const verifies = (secret: string) => {
      try {
        new Webhook(secret).verify(body, headers as Record<string, string>);
        return true;
      } catch {
        return false;
      }
    };
    return { before: verifies(hook.secret), today: verifies(rotated.secret) };
  }

  expect(await verifiedBy()).toEqual({ before: true, today: true });
  await world.set(`webhooks/${hook.id}`, { previousSecretUntil: new Date(Date.now() - 1) });
  expect(await verifiedBy()).toEqual({ before: false, today: true });
  expect(world.endpoint.received).toHaveLength(3);
  expect(await world.webhookOf(hook.id)).toMatchObject({
    enabled: true,
    failingSince: null,
    failures: 0,
  });
  expect(await world.deliveryOf(id)).toMatchObject({ status: "failed", dueAt: null, attempts: 3 });
}, 60_000);
