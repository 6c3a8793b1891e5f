import { AppError } from "../../../shared/errors.ts";
import { asking, fire } from "../../events/fire.ts";
import type { Services } from "../../services/services.ts";
import { acceptanceOf } from "../accept/accept-order.ts";
import type { CallOf } from "../http/call.ts";
import { storedOccasion } from "./occasion.ts";
import { ownTrigger } from "./own-trigger.ts";

/**
 * `POST /v1/triggers/{id}/firings/{firing}/redeliver`: asks the trigger as it is now about the event
 * of a firing once more. Of one Idempotency-Key it does so once.
 */
export async function redeliverFiring(
  services: Services,
  call: CallOf<"redeliverFiring">,
): Promise<void> {
  const trigger = await ownTrigger(services, call);
  const { event, firing } = await storedOccasion(services, trigger, call.params.firing);
  const redelivery = { of: firing.id, request: acceptanceOf(services, call).id };
  const occasion = { event, key: firing.key ?? undefined, redelivery };
  const asked = asking(services, occasion, firing.event.object);
  const decided = await fire(services, trigger, asked);
  if (decided !== undefined && "firing" in decided) return void call.response.json(decided.firing);
  const why =
    decided === undefined ? "as many events were filtered in this hour" : "it is disabled";
  const detail = `trigger ${trigger.id} was not asked: ${why}, or it paused itself`;
  throw new AppError("conflict", { detail });
}
