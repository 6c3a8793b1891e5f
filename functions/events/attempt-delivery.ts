import { after } from "../../shared/clock.ts";
import type { DeliveryRecord } from "../../shared/documents/delivery.ts";
import type { WebhookRecord, WebhookSecrets } from "../../shared/documents/webhook.ts";
import { type Outcome, settled, turnOf } from "../../shared/events/attempt.ts";
import { signatureHeaders } from "../../shared/events/signature.ts";
import { disabledEvent } from "../../shared/events/told-event.ts";
import { WEBHOOK_LIMITS } from "../../shared/events/webhook-limits.ts";
import type { DeliveryMessage } from "../services/builds.ts";
import type { Services } from "../services/services.ts";
import { openSecrets } from "./secrets.ts";

/** By this a receiver knows us, and so do we. */
const USER_AGENT = "Runyard-Webhooks/1";

/**
 * Makes one attempt, the one that follows `attempts` others, and writes what became of it. Nobody
 * holds a lease: two who do so at once send the same id, and one of them counts.
 */
export async function attemptDelivery(
  services: Services,
  { deliveryId, attempts }: DeliveryMessage,
): Promise<void> {
  const { deliveries } = services;
  const read = await deliveries.get(deliveryId);
  if (read === undefined) return;
  const patienceMs = WEBHOOK_LIMITS.turn * 1000;
  const leave = await services.webhookTurns.take(read.webhookId, services.timers, patienceMs);
  if (leave === undefined) return putOff(services, { deliveryId, attempts });
  let webhook: WebhookRecord | undefined;
  try {
    const turn = await deliveries.transact(deliveryId, (both, now) => {
      webhook = both.webhook;
      return turnOf(both, attempts, now);
    });
    if (turn?.kind === "send") webhook = await attempt(services, read, { to: turn.to, attempts });
  } finally {
    leave();
  }
  if (webhook?.untold) await tellThatDisabled(services, webhook);
}

/** @returns the webhook as it is then */
async function attempt(
  services: Services,
  delivery: DeliveryRecord,
  { to, attempts }: { to: WebhookRecord; attempts: number },
): Promise<WebhookRecord | undefined> {
  const outcome = await send(services, delivery, to);
  let read: WebhookRecord | undefined;
  const written = await services.deliveries.transact(delivery.id, (both, now) => {
    read = both.webhook;
    return settled(both, attempts, { outcome, now, chance: services.chance() });
  });
  return written?.webhook ?? read;
}

async function send(
  services: Services,
  { id, body, contentType }: DeliveryRecord,
  webhook: WebhookRecord,
): Promise<Outcome> {
  const at = services.now();
  const { url, headers, secret, previousSecret } = openSecrets(services, webhook);
  const { previousSecretUntil } = webhook;
  const isBoth = previousSecret !== null && previousSecretUntil !== null;
  const secrets = [secret, ...(isBoth && previousSecretUntil > at ? [previousSecret] : [])];
  const sent = await services.webhookSender.post({
    url,
    headers: {
      ...headers,
      "user-agent": USER_AGENT,
      "content-type": contentType,
      ...signatureHeaders({ id, at, body }, secrets),
    },
    body,
  });
  return { ...sent, at, answer: hidden(sent.answer, { headers, secret, previousSecret }) };
}

/** An endpoint may say in its answer what it was sent. */
function hidden(
  text: string,
  { headers, secret, previousSecret }: Omit<WebhookSecrets, "url">,
): string {
  const secrets = [secret, ...(previousSecret === null ? [] : [previousSecret])];
  return [...Object.values(headers), ...secrets].reduce(
    (left, one) => left.replaceAll(one, "…"),
    text,
  );
}

/** Too many are at work at its webhook here: the sweep asks for it again. */
async function putOff(services: Services, { deliveryId, attempts }: DeliveryMessage) {
  await services.deliveries.transact(deliveryId, ({ delivery }, now) => {
    if (delivery.status !== "pending" || delivery.attempts !== attempts) return {};
    return { delivery: { ...delivery, dueAt: after(now, 1) } };
  });
}

/**
 * That a webhook was disabled is owed until somebody has told it: whoever dies before has its
 * message come again, and each delivery that still waits comes by here as well.
 */
async function tellThatDisabled(services: Services, webhook: WebhookRecord): Promise<void> {
  const { id, revision, disabledWhy } = webhook;
  services.log("WARNING", "a webhook is disabled", { webhookId: id, why: disabledWhy });
  await services.publisher.publishEvent(disabledEvent(webhook, services.eventSource));
  await services.webhooks.transact(id, (now) =>
    now.revision === revision ? { ...now, untold: false } : now,
  );
}
