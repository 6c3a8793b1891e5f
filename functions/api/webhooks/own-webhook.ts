import { WEBHOOK_ID, type WebhookRecord } from "../../../shared/documents/webhook.ts";
import { AppError } from "../../../shared/errors.ts";
import type { Services } from "../../services/services.ts";
import type { ItemCall } from "../http/call.ts";

/**
 * The webhook that the path names. One that is absent and one of another owner look the same.
 *
 * @throws {AppError} not_found
 */
export async function ownWebhook(
  { webhooks }: Services,
  { params, owner }: Pick<ItemCall, "params" | "owner">,
): Promise<WebhookRecord> {
  const webhook = isWebhookId(params.id) ? await webhooks.get(params.id) : undefined;
  if (webhook?.owner !== owner) throw noWebhook(params.id);
  return webhook;
}

/**
 * Changes the webhook that the path names.
 *
 * @param change see `WebhookStore.transact`
 * @throws {AppError} not_found; what `change` throws
 */
export async function changeWebhook(
  { webhooks }: Services,
  { params, owner }: Pick<ItemCall, "params" | "owner">,
  change: (webhook: WebhookRecord, now: Date) => WebhookRecord | undefined,
): Promise<WebhookRecord> {
  if (!isWebhookId(params.id)) throw noWebhook(params.id);
  const webhook = await webhooks.transact(params.id, (before, now) => {
    if (before.owner !== owner) throw noWebhook(params.id);
    return change(before, now);
  });
  if (webhook === undefined) throw noWebhook(params.id);
  return webhook;
}

const noWebhook = (id: string): AppError =>
  new AppError("not_found", { detail: `there is no webhook ${id}` });

const isWebhookId = (text: string): boolean => new RegExp(WEBHOOK_ID).test(text);
