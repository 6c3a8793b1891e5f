import {
  type DeliveryRecord,
  Delivery as DeliverySchema,
} from "../../../shared/documents/delivery.ts";
import {
  type WebhookRecord,
  Webhook as WebhookSchema,
  type WebhookSecrets,
} from "../../../shared/documents/webhook.ts";
import { openSecrets } from "../../events/secrets.ts";
import type { Services } from "../../services/services.ts";

/** A webhook over HTTP: its address, and the names of its headers. */
export function webhookAnswer(
  services: Services,
  record: WebhookRecord,
  { url, headers }: WebhookSecrets = openSecrets(services, record),
): object {
  const fields = new Map<string, unknown>(
    Object.entries({ ...record, url, headers: Object.keys(headers) }),
  );
  const names = Object.keys(WebhookSchema.properties);
  return Object.fromEntries(names.map((name) => [name, fields.get(name)]));
}

/** The same, with the secret. */
export function withSecret(services: Services, record: WebhookRecord): object {
  const secrets = openSecrets(services, record);
  return { ...webhookAnswer(services, record, secrets), secret: secrets.secret };
}

export const etagOf = ({ revision }: Pick<WebhookRecord, "revision">): string => `"${revision}"`;

/** A delivery over HTTP. */
export function deliveryAnswer(record: DeliveryRecord): object {
  const fields = new Map<string, unknown>(
    Object.entries({ ...record, nextAttemptAt: record.status === "pending" ? record.dueAt : null }),
  );
  const names = Object.keys(DeliverySchema.properties);
  return Object.fromEntries(names.map((name) => [name, fields.get(name)]));
}
