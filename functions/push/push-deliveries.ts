import type { Delivered } from "../../shared/run/owed-delivery.ts";
import type { PublicNet } from "../repositories/public-host.ts";
import type { PushHosts } from "../services/push-hosts.ts";

/** Deliveries to hosts of git over HTTPS, in git's own protocol. Nothing is executed for it. */
export class PushDeliveries implements PushHosts {
  readonly #net: PublicNet;

  constructor(net: PublicNet = {}) {
    this.#net = net;
  }

  async deliver(delivery: Parameters<PushHosts["deliver"]>[0]): Promise<Delivered> {
    // Whoever pushes nothing never loads it.
    const [{ Remote }, { bring }] = await Promise.all([
      import("./remote.ts"),
      import("./bring.ts"),
    ]);
    return bring(new Remote({ ...delivery, url: delivery.owed.url }, this.#net), delivery);
  }
}
