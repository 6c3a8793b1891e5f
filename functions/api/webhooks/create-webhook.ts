import type { WebhookRecord } from "../../../shared/documents/webhook.ts";
import { newSecret } from "../../../shared/events/signature.ts";
import { sealSecrets } from "../../events/secrets.ts";
import type { Services } from "../../services/services.ts";
import { acceptanceOf, confirmReplay } from "../accept/accept-order.ts";
import type { CallOf } from "../http/call.ts";
import { partsOf } from "./content.ts";
import { etagOf, withSecret } from "./webhook-answer.ts";

/** `POST /v1/webhooks`: stores a webhook, or finds the one of the same Idempotency-Key. */
export async function createWebhook(
  services: Services,
  call: CallOf<"createWebhook">,
): Promise<void> {
  const record = newWebhook(services, call);
  const existing = await services.webhooks.create(record);
  if (existing !== undefined) confirmReplay(call.response, existing, record);
  const stored = existing ?? record;
  call.response
    .status(201)
    .set({ Location: `/v1/webhooks/${stored.id}`, ETag: etagOf(stored) })
    .json(withSecret(services, stored));
}

function newWebhook(services: Services, call: CallOf<"createWebhook">): WebhookRecord {
  const { content, secrets } = partsOf(services, call.body);
  const { id: runId, owner, now, requestHash, writer } = acceptanceOf(services, call);
  const id = runId.replace(/^run_/, "whk_");
  const secret = newSecret(services.random);
  return {
    id,
    schemaVersion: 1,
    owner,
    revision: 1,
    ...content,
    disabledWhy: content.enabled ? null : BY_CALLER,
    sealed: sealSecrets(services, id, { ...secrets, secret, previousSecret: null }),
    failingSince: null,
    nextProbeAt: null,
    failures: 0,
    untold: false,
    previousSecretUntil: null,
    createdAt: now,
    updatedAt: now,
    requestHash,
    writer,
  };
}

export const BY_CALLER = "Its owner disabled it.";
