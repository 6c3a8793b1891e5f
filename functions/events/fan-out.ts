import { after } from "../../shared/clock.ts";
import { type DeliveryRecord, deliveryId } from "../../shared/documents/delivery.ts";
import type { WebhookRecord } from "../../shared/documents/webhook.ts";
import { posted } from "../../shared/events/message.ts";
import { selects, type ToldEvent } from "../../shared/events/told-event.ts";
import { WEBHOOK_LIMITS } from "../../shared/events/webhook-limits.ts";
import type { Services } from "../services/services.ts";

/**
 * Hands an event to each webhook that wants it: a delivery each, whose id is the event's and the
 * webhook's, so that an event that comes again makes none; and its first attempt is asked for.
 */
export async function fanOut(services: Services, event: ToldEvent): Promise<void> {
  const { owner } = event.data;
  const webhooks = await services.webhooks.list(owner, { limit: WEBHOOK_LIMITS.webhooks });
  await Promise.all(
    webhooks
      .filter((webhook) => selects(webhook, event))
      .map((webhook) => deliver(services, webhook, { event })),
  );
}

/** Makes a delivery, unless it is there, and asks for its first attempt. */
export async function deliver(
  services: Services,
  webhook: WebhookRecord,
  { event, isExtra = false }: { event: ToldEvent; isExtra?: boolean },
): Promise<DeliveryRecord> {
  const delivery = { ...newDelivery(services, webhook, event), isExtra };
  await services.deliveries.create(delivery);
  // Also where it was there: whoever made it may have died before this.
  await services.publisher.publishDelivery({ deliveryId: delivery.id, attempts: 0 });
  return delivery;
}

function newDelivery(
  services: Services,
  { id: webhookId, owner, format }: WebhookRecord,
  event: ToldEvent,
): DeliveryRecord {
  const now = services.now();
  const { id, type, subject } = event;
  return {
    id: deliveryId(webhookId, id),
    schemaVersion: 1,
    owner,
    webhookId,
    runId: type.startsWith("runyard.run.") ? subject : null,
    event: { id, type },
    ...posted(event, format, services.publicUrl),
    status: "pending",
    attempts: 0,
    log: [],
    isExtra: false,
    createdAt: now,
    dueAt: after(now, WEBHOOK_LIMITS.again),
    expireAt: after(now, WEBHOOK_LIMITS.deliveryDays * 24 * 3600),
  };
}
