import type { WebhookRecord, WebhookSecrets } from "../../shared/documents/webhook.ts";
import { COLLECTIONS } from "../../shared/names.ts";
import type { SealedPlace } from "../services/sealing.ts";
import type { Services } from "../services/services.ts";

const placeOf = (id: string): SealedPlace => ({
  document: `${COLLECTIONS.webhooks}/${id}`,
  field: "sealed",
});

/** @throws {AppError} unavailable where no key opens them */
export function openSecrets(
  { sealing }: Pick<Services, "sealing">,
  { id, sealed }: Pick<WebhookRecord, "id" | "sealed">,
): WebhookSecrets {
  return JSON.parse(sealing.open(sealed, placeOf(id))) as WebhookSecrets;
}

/** The secrets as they stand in the document. */
export const sealSecrets = (
  { sealing }: Pick<Services, "sealing">,
  id: string,
  secrets: WebhookSecrets,
): string => sealing.seal(JSON.stringify(secrets), placeOf(id));
