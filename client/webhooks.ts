import {
  type CallOptions,
  type CreateOptions,
  type Filter,
  json,
  newKey,
  pages,
  patched,
  posted,
} from "./calls.ts";
import type { Send } from "./connection.ts";
import type { CreateWebhook, Delivery, PatchWebhook, Webhook, WebhookWithSecret } from "./types.ts";

type Paged = Filter<{ pageSize?: number }>;

/** Addresses that are told of runs' changes of status. */
export function webhooksOf(send: Send) {
  const at = (id: string) => `/webhooks/${encodeURIComponent(id)}`;
  const post = <T>(path: string, options: CallOptions) =>
    json<T>(send(path, { method: "POST", ...options }));
  return {
    /** The answer alone has the secret. */
    create: (body: CreateWebhook, { idempotencyKey = newKey(), ...options }: CreateOptions = {}) =>
      json<WebhookWithSecret>(send("/webhooks", { ...options, ...posted(body, idempotencyKey) })),
    list: (options: Paged = {}) => pages<Webhook>(send, "/webhooks", options),
    get: (id: string, options: CallOptions = {}) => json<Webhook>(send(at(id), options)),
    /** Changes the webhook as it was read: `precondition_failed` if somebody else did meanwhile. */
    patch: (
      { id, revision }: Pick<Webhook, "id" | "revision">,
      body: PatchWebhook,
      options: CallOptions = {},
    ) => json<Webhook>(send(at(id), { ...patched(body, revision), ...options })),
    delete: async (id: string, options: CallOptions = {}) =>
      void (await send(at(id), { method: "DELETE", ...options })),
    /** A new secret; the one before counts for 24 hours more. */
    rotate: (id: string, options: CallOptions = {}) =>
      post<WebhookWithSecret>(`${at(id)}/rotate`, options),
    ping: (id: string, options: CallOptions = {}) => post<Delivery>(`${at(id)}/ping`, options),
    /** What was sent to it, newest first. */
    deliveries: (id: string, options: Paged = {}) => deliveriesOf(send, at(id), options),
    /** Sends one that is over once more. */
    redeliver: (id: string, deliveryId: string, options: CallOptions = {}) =>
      post<Delivery>(`${at(id)}/deliveries/${encodeURIComponent(deliveryId)}/redeliver`, options),
  };
}

/** Deliveries at a webhook, or of a run. */
export const deliveriesOf = (send: Send, path: string, options: Paged) =>
  pages<Delivery>(send, `${path}/deliveries`, options);
