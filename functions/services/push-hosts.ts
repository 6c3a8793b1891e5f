import type { Delivered } from "../../shared/run/owed-delivery.ts";
import type { Delivery } from "./repository-host.ts";

/** Hosts of git over HTTPS that runs are pushed to with a credential of their own. */
export interface PushHosts {
  /**
   * Hands back what a run changed, as a branch. To repeat it finds what was made before.
   *
   * @param delivery.credential `TOKEN` or `USER:TOKEN`
   * @throws {DeliveryFault}
   */
  deliver(delivery: Omit<Delivery, "repository"> & { credential: string }): Promise<Delivered>;
}
