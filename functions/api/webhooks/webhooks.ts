import { after } from "../../../shared/clock.ts";
import type { WebhookRecord } from "../../../shared/documents/webhook.ts";
import { newSecret } from "../../../shared/events/signature.ts";
import { WEBHOOK_LIMITS } from "../../../shared/events/webhook-limits.ts";
import { openSecrets, sealSecrets } from "../../events/secrets.ts";
import { positionOf } from "../../services/page.ts";
import type { Services } from "../../services/services.ts";
import type { CallOf } from "../http/call.ts";
import { refuseStale } from "../http/etag.ts";
import { answerPage } from "../http/page.ts";
import { partsOf, patchedBody } from "./content.ts";
import { BY_CALLER } from "./create-webhook.ts";
import { changeWebhook, ownWebhook } from "./own-webhook.ts";
import { etagOf, webhookAnswer, withSecret } from "./webhook-answer.ts";

/** `GET /v1/webhooks` */
export async function listWebhooks(
  services: Services,
  call: CallOf<"listWebhooks">,
): Promise<void> {
  await answerPage(call, call.query, {
    read: (part) => services.webhooks.list(call.owner, part),
    positionOf,
    show: (webhook: WebhookRecord) => webhookAnswer(services, webhook),
  });
}

/** `GET /v1/webhooks/{id}` */
export async function getWebhook(services: Services, call: CallOf<"getWebhook">): Promise<void> {
  answer(services, call, await ownWebhook(services, call));
}

function answer(
  services: Services,
  { response }: CallOf<"getWebhook"> | CallOf<"patchWebhook">,
  webhook: WebhookRecord,
): void {
  response.set("ETag", etagOf(webhook)).json(webhookAnswer(services, webhook));
}

/** `PATCH /v1/webhooks/{id}`: a JSON merge patch. */
export async function patchWebhook(
  services: Services,
  call: CallOf<"patchWebhook">,
): Promise<void> {
  const patch = call.body;
  const webhook = await changeWebhook(services, call, (before, now) => {
    refuseStale(call.request, { is: `webhook ${before.id}`, etag: etagOf(before) });
    const secrets = openSecrets(services, before);
    const parts = partsOf(services, patchedBody(before, secrets, patch));
    const { enabled } = parts.content;
    return {
      ...before,
      ...parts.content,
      ...(enabled && !before.enabled && ANEW),
      ...(!enabled && before.enabled && { disabledWhy: BY_CALLER }),
      sealed: sealSecrets(services, before.id, { ...secrets, ...parts.secrets }),
      revision: before.revision + 1,
      updatedAt: now,
    };
  });
  answer(services, call, webhook);
}

/** What a webhook is that was just enabled. */
const ANEW = {
  disabledWhy: null,
  failingSince: null,
  nextProbeAt: null,
  failures: 0,
  untold: false,
} as const;

/** `DELETE /v1/webhooks/{id}` */
export async function deleteWebhook(
  services: Services,
  call: CallOf<"deleteWebhook">,
): Promise<void> {
  await changeWebhook(services, call, () => undefined);
  call.response.status(204).end();
}

/** `POST /v1/webhooks/{id}/rotate`: the secret before counts for a while. */
export async function rotateWebhook(
  services: Services,
  call: CallOf<"rotateWebhook">,
): Promise<void> {
  const secret = newSecret(services.random);
  const webhook = await changeWebhook(services, call, (before, now) => {
    const secrets = openSecrets(services, before);
    const rotated = { ...secrets, secret, previousSecret: secrets.secret };
    return {
      ...before,
      sealed: sealSecrets(services, before.id, rotated),
      previousSecretUntil: after(now, WEBHOOK_LIMITS.rotation),
      revision: before.revision + 1,
      updatedAt: now,
    };
  });
  call.response.set("ETag", etagOf(webhook)).json(withSecret(services, webhook));
}
