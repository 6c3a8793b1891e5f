import { AgentId } from "../agent/agent.ts";
import { WEBHOOK_LIMITS } from "../events/webhook-limits.ts";
import { Instant, Labels, nullable } from "../schema/schema.ts";
import { type Static, Type } from "../schema/type.ts";
import { formed } from "../schema/words.ts";
import { RUN_STATUSES } from "./run.ts";

export const WEBHOOK_ID = "^whk_[0-9A-Za-z]{22}$";

/** The type of what a webhook is told of a change of a run's status. */
const runEventType = (status: string) => `runyard.run.${status}.v1`;
export const PING_TYPE = "runyard.webhook.ping.v1";
export const DISABLED_TYPE = "runyard.webhook.disabled.v1";

/** What a webhook may ask for. */
const EVENTS = ["done", "*", ...RUN_STATUSES.map(runEventType), DISABLED_TYPE];
const WEBHOOK_FORMATS = ["standard", "slack", "google-chat"] as const;
export type WebhookFormat = (typeof WEBHOOK_FORMATS)[number];

const url = Type.String({
  maxLength: WEBHOOK_LIMITS.urlLength,
  ...formed({
    pattern: "^https?://",
    form: "an address that begins with https://",
    example: "https://example.com/hooks/runyard",
  }),
});
/** What a webhook asks for. */
export const WebhookEvents = Type.Array(Type.Enum(EVENTS), {
  minItems: 1,
  maxItems: EVENTS.length,
  description: "Types of events; `done`: each final status (the default), `*`: everything.",
});
const format = Type.Enum([...WEBHOOK_FORMATS], {
  description: "`standard`: a signed CloudEvent (the default); the others: a message for a chat.",
});
const headers = Type.Record(
  Type.String(),
  Type.String({ maxLength: WEBHOOK_LIMITS.headerLength }),
  {
    maxProperties: WEBHOOK_LIMITS.headers,
    description: "Sent with each request, and never shown.",
  },
);
const description = Type.String({ maxLength: 500 });
const agent = { description: "Only runs of this stored agent." };
const labels = { description: "Only runs that have all of these." };

/** The body of `POST /v1/webhooks`. */
export const CreateWebhook = Type.Object(
  {
    url,
    events: Type.Optional(WebhookEvents),
    agent: Type.Optional(Type.String({ ...AgentId, ...agent })),
    labels: Type.Optional(Labels),
    format: Type.Optional(format),
    description: Type.Optional(description),
    headers: Type.Optional(headers),
    enabled: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
export type CreateWebhook = Static<typeof CreateWebhook>;

/** What a merge patch may hold; what it makes must be as CreateWebhook says. */
export const PatchWebhook = Type.Object(
  Object.fromEntries(
    Object.keys(CreateWebhook.properties).map((name) => [name, Type.Optional(Type.Unknown())]),
  ),
  { additionalProperties: false, description: "A JSON merge patch: null removes." },
);

const shown = {
  id: Type.String(),
  schemaVersion: Type.Literal(1),
  owner: Type.String(),
  revision: Type.Integer({ description: "Raised with each change by a caller; the ETag." }),
  url: Type.String(),
  events: WebhookEvents,
  format,
  agent: nullable(Type.String(), agent),
  labels: Type.Record(Type.String(), Type.String(), labels),
  description,
  headers: Type.Array(Type.String(), { description: "Names of the static headers." }),
  enabled: Type.Boolean(),
  disabledWhy: nullable(Type.String()),
  failingSince: nullable(Instant, {
    description: "Since when every attempt has failed; after three days it is disabled.",
  }),
  nextProbeAt: nullable(Instant, {
    description: "While it fails: when the next delivery is tried; the others wait.",
  }),
  previousSecretUntil: nullable(Instant, {
    description: "Until then requests are signed by the secret before, too.",
  }),
  createdAt: Instant,
  updatedAt: Instant,
};

/** A webhook over HTTP. */
export const Webhook = Type.Object(shown);
export type Webhook = Static<typeof Webhook>;

/** The answer that alone has the secret. */
export const WebhookWithSecret = Type.Object({
  ...shown,
  secret: Type.String({ description: "Signs requests; it cannot be shown again." }),
});

/** What of a webhook is sealed, as JSON: an address of a chat lets anybody write there. */
export interface WebhookSecrets {
  url: string;
  headers: Record<string, string>;
  secret: string;
  previousSecret: string | null;
}

/** The document `webhooks/{id}`. */
export interface WebhookRecord extends Omit<Webhook, "url" | "headers"> {
  /** {@link WebhookSecrets}, for the field `sealed` of this document. */
  sealed: string;
  /** Attempts in a row that failed. */
  failures: number;
  /** Whether somebody is still to be told that it was disabled. */
  untold: boolean;
  /** SHA-256 of the body that an Idempotency-Key is held to. */
  requestHash: string;
  /** Random; says whether a document is the one that we wrote. */
  writer: string;
}
