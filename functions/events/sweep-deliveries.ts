import { describeError } from "../log.ts";
import type { Services } from "../services/services.ts";

/**
 * Asks for each attempt that is due. What is not made by the next sweep is asked for again; who
 * makes it twice is told apart by its number.
 *
 * @param until by this instance's clock: what there is no time for is left to the next sweep
 */
export async function sweepDeliveries(
  services: Services,
  { now, until }: { now: Date; until: Date },
): Promise<void> {
  try {
    for await (const page of services.deliveries.due(now)) {
      await Promise.all(
        page.map(({ id, attempts }) =>
          services.publisher.publishDelivery({ deliveryId: id, attempts }),
        ),
      );
      if (services.now() >= until) return;
    }
  } catch (error) {
    services.log("ERROR", `sweep: deliveries: ${describeError(error)}`);
  }
}
