import type { Services } from "../../services/services.ts";
import { invalid } from "../http/body.ts";
import { ownWebhook } from "../webhooks/own-webhook.ts";

/**
 * The webhook that a request for a run names.
 *
 * @throws {AppError} invalid if the owner has none of this id
 */
export async function webhookOf(
  services: Services,
  owner: string,
  id: string | undefined,
): Promise<string | undefined> {
  if (id === undefined) return undefined;
  const webhook = await ownWebhook(services, { owner, params: { id } }).catch(() => undefined);
  if (webhook !== undefined) return webhook.id;
  throw invalid([{ pointer: "/webhook", detail: `there is no webhook ${id}` }]);
}
