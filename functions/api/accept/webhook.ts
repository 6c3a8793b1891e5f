import { AppError } from "../../../shared/errors.ts";
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
  try {
    return (await ownWebhook(services, { owner, params: { id } })).id;
  } catch (error) {
    if (!(error instanceof AppError && error.code === "not_found")) throw error;
    throw invalid([{ pointer: "/webhook", detail: error.message }]);
  }
}
