import { WEBHOOK_LIMITS } from "../../shared/events/webhook-limits.ts";
import { describeError } from "../log.ts";
import type { Services } from "../services/services.ts";
import type { DueDelivery } from "../services/webhooks.ts";

/**
 * Asks for each attempt that is due, of each webhook for its share of a sweep: however much is due
 * at one, another's stands behind no more than that. What is not made by the next sweep is asked
 * for again; who makes it twice is told apart by its number.
 *
 * @param until by this instance's clock: what there is no time for is left to the next sweep
 */
export async function sweepDeliveries(
  services: Services,
  { now, until }: { now: Date; until: Date },
): Promise<void> {
  const hasShare = shares(WEBHOOK_LIMITS.aSweep);
  try {
    for await (const page of services.deliveries.due(now)) {
      await Promise.all(
        page
          .filter(hasShare)
          .map(({ id, attempts }) =>
            services.publisher.publishDelivery({ deliveryId: id, attempts }),
          ),
      );
      if (services.now() >= until) return;
    }
  } catch (error) {
    services.log("ERROR", `sweep: deliveries: ${describeError(error)}`);
  }
}

/** Whether one more delivery is among the first so many of its webhook. */
function shares(most: number): (delivery: DueDelivery) => boolean {
  const had = new Map<string, number>();
  return ({ webhookId }) => {
    const count = (had.get(webhookId) ?? 0) + 1;
    had.set(webhookId, count);
    return count <= most;
  };
}
