import { createHash } from "node:crypto";
import { base62 } from "../ids.ts";
import { Instant, nullable } from "../schema/schema.ts";
import { type Static, Type } from "../schema/type.ts";

export const DELIVERY_ID = "^dlv_[0-9A-Za-z]{22}$";

/** One attempt to deliver. */
const Attempt = Type.Object({
  at: Instant,
  status: nullable(Type.Integer(), { description: "Of the answer; null: there was none." }),
  error: nullable(Type.String(), { description: "Why it failed; null: it did not." }),
  milliseconds: Type.Integer(),
  answer: Type.String({ description: "The answer's beginning." }),
});
export type Attempt = Static<typeof Attempt>;

const shown = {
  id: Type.String({ description: "Also `webhook-id`, the same at each attempt." }),
  webhookId: Type.String(),
  runId: nullable(Type.String()),
  event: Type.Object({ id: Type.String(), type: Type.String() }),
  status: Type.Enum(["pending", "delivered", "failed"]),
  attempts: Type.Integer(),
  nextAttemptAt: nullable(Instant, {
    description: "About then: attempts come up to a minute late.",
  }),
  body: Type.String({ description: "What is sent, the same each time." }),
  log: Type.Array(Attempt, { description: "The last attempts, oldest first." }),
  createdAt: Instant,
};

/** A delivery over HTTP: one event at one webhook. */
export const Delivery = Type.Object(shown);
export type Delivery = Static<typeof Delivery>;

/** The document `deliveries/{id}`. */
export interface DeliveryRecord extends Omit<Delivery, "nextAttemptAt"> {
  schemaVersion: 1;
  owner: string;
  contentType: string;
  /** When the sweep asks for the next attempt; null: there is none. */
  dueAt: Date | null;
  /** One attempt that a caller asked for, which says nothing about the webhook's health. */
  isExtra: boolean;
  expireAt: Date;
}

/** The same for the same event at the same webhook, whoever makes it. */
export const deliveryId = (webhookId: string, eventId: string): string =>
  `dlv_${base62(
    createHash("sha256")
      .update(JSON.stringify([webhookId, eventId]))
      .digest(),
  )}`;
