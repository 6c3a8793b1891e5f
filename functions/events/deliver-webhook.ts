import { AppError } from "../../shared/errors.ts";
import { toldEventOf } from "../../shared/events/told-event.ts";
import { Type } from "../../shared/schema/type.ts";
import { validatorOf } from "../../shared/schema/validate.ts";
import type { Services } from "../services/services.ts";
import { attemptDelivery } from "./attempt-delivery.ts";
import { fanOut } from "./fan-out.ts";

const validateMessage = validatorOf(
  Type.Object({ deliveryId: Type.String(), attempts: Type.Integer({ minimum: 0 }) }),
);

/** A message of either topic. */
export interface EventsMessage {
  data: unknown;
  attributes: Readonly<Record<string, string>>;
}

/**
 * Handles a message of `run-events`, which it hands on to the webhooks that want it, and one of
 * `webhook-deliveries`, which is one attempt. An attempt that fails is no failure of this: when the
 * next one is due stands in its document.
 */
export async function deliverWebhook(
  services: Services,
  { data: message, attributes }: EventsMessage,
): Promise<void> {
  if (attributes["ce-id"] !== undefined) return fanOut(services, toldEventOf(attributes, message));
  const valid = validateMessage(message);
  if (!valid.ok) {
    const detail = "not a message of webhook-deliveries";
    throw new AppError("invalid", { detail, faults: valid.faults });
  }
  await attemptDelivery(services, valid.value);
}
