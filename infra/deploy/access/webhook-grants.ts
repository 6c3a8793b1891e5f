import { TOPICS } from "../../../shared/names.ts";
import type { Grant, Target } from "./grant.ts";
import { DELIVERIES, PUBLISHER } from "./roles.ts";

const topic = (name: string): Target => ({ kind: "topic", topic: name });

/** What deliveries to webhooks need. */
export const OF_WEBHOOKS: readonly Grant[] = [
  ...(["api", "sweep", "deliverWebhook"] as const).map(
    (principal): Grant => ({
      principal,
      role: PUBLISHER,
      on: topic(TOPICS.webhookDeliveries),
      why: "asks for an attempt to deliver to a webhook",
    }),
  ),
  {
    principal: "deliverWebhook",
    role: DELIVERIES,
    on: { kind: "project" },
    why: "makes deliveries to webhooks, and notes what became of them",
  },
  {
    principal: "deliverWebhook",
    role: PUBLISHER,
    on: topic(TOPICS.runEvents),
    why: "tells of a webhook that it has disabled",
  },
  {
    principal: "deliverWebhook",
    role: PUBLISHER,
    on: topic(TOPICS.deadLetters),
    why: "puts away what is no message",
  },
];
