import { Delivery } from "../documents/delivery.ts";
import { CreateWebhook, PatchWebhook, Webhook, WebhookWithSecret } from "../documents/webhook.ts";
import { Type } from "../schema/type.ts";
import { IDEMPOTENCY_KEY } from "./headers.ts";
import type { Operation } from "./operation.ts";
import { pageOf, paging } from "./page.ts";

const Paging = Type.Object(paging, { additionalProperties: false });
const ETAG = { ETag: "The webhook's revision, for If-Match." } as const;
const ONE = { 200: { description: "The webhook.", schema: Webhook, headers: ETAG } } as const;
const DELIVERIES = { 200: { description: "A page of deliveries.", schema: pageOf(Delivery) } };
const SENT = { 202: { description: "One attempt is under way.", schema: Delivery } } as const;

export const WEBHOOK_OPERATIONS = [
  {
    id: "createWebhook",
    method: "post",
    path: "/v1/webhooks",
    tag: "Webhooks",
    summary: "Have runs' changes of status sent to an address",
    access: "run",
    headers: IDEMPOTENCY_KEY,
    body: CreateWebhook,
    answers: {
      201: {
        description: "Stored; the answer alone has the secret.",
        schema: WebhookWithSecret,
        headers: { ...ETAG, Location: "The webhook's path." },
      },
    },
    problems: ["idempotency_key_reused", "limit_reached"],
  },
  {
    id: "listWebhooks",
    method: "get",
    path: "/v1/webhooks",
    tag: "Webhooks",
    summary: "List webhooks, newest first",
    access: "read",
    query: Paging,
    answers: { 200: { description: "A page of webhooks.", schema: pageOf(Webhook) } },
    problems: ["invalid"],
  },
  {
    id: "getWebhook",
    method: "get",
    path: "/v1/webhooks/{id}",
    tag: "Webhooks",
    summary: "Get a webhook",
    access: "read",
    answers: ONE,
    problems: ["not_found"],
  },
  {
    id: "patchWebhook",
    method: "patch",
    path: "/v1/webhooks/{id}",
    tag: "Webhooks",
    summary: "Change a webhook by a JSON merge patch; `enabled: true` begins anew",
    access: "run",
    headers: { "If-Match": "The ETag of the webhook as it was read; required." },
    body: PatchWebhook,
    bodyType: "application/merge-patch+json",
    answers: ONE,
    problems: ["not_found", "precondition_failed", "precondition_required"],
  },
  {
    id: "deleteWebhook",
    method: "delete",
    path: "/v1/webhooks/{id}",
    tag: "Webhooks",
    summary: "Remove a webhook; what waits for it is given up",
    access: "run",
    answers: { 204: { description: "Removed." } },
    problems: ["not_found"],
  },
  {
    id: "rotateWebhook",
    method: "post",
    path: "/v1/webhooks/{id}/rotate",
    tag: "Webhooks",
    summary: "Give a webhook a new secret; for 24 hours the one before counts, too",
    access: "run",
    answers: {
      200: { description: "With the new secret.", schema: WebhookWithSecret, headers: ETAG },
    },
    problems: ["not_found"],
  },
  {
    id: "pingWebhook",
    method: "post",
    path: "/v1/webhooks/{id}/ping",
    tag: "Webhooks",
    summary: "Send a webhook something to try it by, once",
    access: "run",
    answers: SENT,
    problems: ["not_found", "conflict"],
  },
  {
    id: "listDeliveries",
    method: "get",
    path: "/v1/webhooks/{id}/deliveries",
    tag: "Webhooks",
    summary: "List what was sent to a webhook in 30 days, newest first",
    access: "read",
    query: Paging,
    answers: DELIVERIES,
    problems: ["not_found", "invalid"],
  },
  {
    id: "redeliver",
    method: "post",
    path: "/v1/webhooks/{id}/deliveries/{delivery}/redeliver",
    tag: "Webhooks",
    summary: "Send a delivery that is over once more, with its id and today's secret",
    access: "run",
    answers: SENT,
    problems: ["not_found", "conflict"],
  },
  {
    id: "listRunDeliveries",
    method: "get",
    path: "/v1/runs/{id}/deliveries",
    tag: "Webhooks",
    summary: "List what was sent to webhooks of a run, newest first",
    access: "read",
    query: Paging,
    answers: DELIVERIES,
    problems: ["not_found", "invalid"],
  },
] as const satisfies readonly Operation[];
