import { after } from "../../../shared/clock.ts";
import { DELIVERY_ID, type DeliveryRecord } from "../../../shared/documents/delivery.ts";
import { PING_TYPE } from "../../../shared/documents/webhook.ts";
import { AppError } from "../../../shared/errors.ts";
import { WEBHOOK_LIMITS } from "../../../shared/events/webhook-limits.ts";
import { base62 } from "../../../shared/ids.ts";
import { deliver } from "../../events/fan-out.ts";
import { positionOf } from "../../services/page.ts";
import type { Services } from "../../services/services.ts";
import type { CallOf } from "../http/call.ts";
import { answerPage } from "../http/page.ts";
import { ownRun } from "../runs/own-run.ts";
import { ownWebhook } from "./own-webhook.ts";
import { deliveryAnswer } from "./webhook-answer.ts";

/** `GET /v1/webhooks/{id}/deliveries` */
export async function listDeliveries(
  services: Services,
  call: CallOf<"listDeliveries">,
): Promise<void> {
  const { id: webhookId } = await ownWebhook(services, call);
  await answerPage(call, call.query, {
    read: (part) => services.deliveries.list({ webhookId }, part),
    positionOf,
    show: deliveryAnswer,
  });
}

/** `GET /v1/runs/{id}/deliveries` */
export async function listRunDeliveries(
  services: Services,
  call: CallOf<"listRunDeliveries">,
): Promise<void> {
  const { id: runId } = await ownRun(services, call);
  await answerPage(call, call.query, {
    read: (part) => services.deliveries.list({ runId }, part),
    positionOf,
    show: deliveryAnswer,
  });
}

/** `POST /v1/webhooks/{id}/ping`: one attempt, whatever the webhook's health. */
export async function pingWebhook(services: Services, call: CallOf<"pingWebhook">): Promise<void> {
  const webhook = await ownWebhook(services, call);
  if (!webhook.enabled) throw disabled(webhook.id);
  const { id: subject, owner } = webhook;
  const event = {
    id: `${subject}-ping-${base62(services.random(16))}`,
    type: PING_TYPE,
    source: services.eventSource,
    subject,
    time: services.now().toISOString(),
    isDone: false,
    data: { owner, id: subject },
  };
  const delivery = await deliver(services, webhook, { event, isExtra: true });
  call.response.status(202).json(deliveryAnswer(delivery));
}

/** `POST /v1/webhooks/{id}/deliveries/{delivery}/redeliver`: one attempt, beside the schedule. */
export async function redeliver(services: Services, call: CallOf<"redeliver">): Promise<void> {
  const { id } = call.params;
  const deliveryId = call.params.delivery;
  const webhook = await ownWebhook(services, call);
  if (!webhook.enabled) throw disabled(id);
  const written = new RegExp(DELIVERY_ID).test(deliveryId)
    ? await services.deliveries.transact(deliveryId, ({ delivery }, now) => {
        if (delivery.webhookId !== id) throw noDelivery(deliveryId);
        return { delivery: again(delivery, now) };
      })
    : undefined;
  if (written === undefined) throw noDelivery(deliveryId);
  const { attempts } = written.delivery;
  await services.publisher.publishDelivery({ deliveryId, attempts });
  call.response.status(202).json(deliveryAnswer(written.delivery));
}

/** @throws {AppError} conflict if it is being tried anyway */
function again(delivery: DeliveryRecord, now: Date): DeliveryRecord {
  if (delivery.status === "pending" && delivery.isExtra) return delivery;
  if (delivery.status !== "pending") {
    const dueAt = after(now, WEBHOOK_LIMITS.again);
    return { ...delivery, status: "pending", isExtra: true, dueAt };
  }
  const next = delivery.dueAt?.toISOString();
  const detail = `${delivery.id} is still being tried, next at ${next}; wait, or ping the webhook`;
  throw new AppError("conflict", { detail });
}

const noDelivery = (id: string): AppError =>
  new AppError("not_found", { detail: `this webhook has no delivery ${id}` });

const disabled = (id: string): AppError =>
  new AppError("conflict", {
    detail: `webhook ${id} is disabled; enable it with PATCH {"enabled": true}`,
  });
