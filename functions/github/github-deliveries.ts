import type { DeliveryRule } from "../../shared/delivery/repository-name.ts";
import type { Delivered } from "../../shared/run/owed-delivery.ts";
import type { GithubSettings } from "../github-settings.ts";
import { type Delivery, DeliveryFault, type RepositoryHost } from "../services/repository-host.ts";

/** What of the outside deliveries depend on. */
interface Surroundings {
  /** The App's key where the settings have none; undefined: there is none. */
  keyOf(secret: string): Promise<string | undefined>;
  /** Default: Node's own. */
  fetch?: typeof fetch;
}

/** Deliveries to GitHub, by an App that is installed in the repositories. */
export class GithubDeliveries implements RepositoryHost {
  readonly rule: DeliveryRule;
  readonly #settings: GithubSettings;
  readonly #surroundings: Surroundings;

  constructor(settings: GithubSettings, surroundings: Surroundings) {
    this.rule = settings.rule;
    this.#settings = settings;
    this.#surroundings = surroundings;
  }

  async deliver(delivery: Delivery): Promise<Delivered> {
    const { appId, apiUrl, keySecret } = this.#settings;
    const { keyOf, fetch } = this.#surroundings;
    const privateKey = this.#settings.privateKey ?? (await keyOf(keySecret));
    if (appId === undefined || privateKey === undefined) {
      throw new DeliveryFault("The operator has set up no GitHub App, or its key is missing.");
    }
    // Whoever delivers nothing never loads it.
    const [{ openRepository }, { deliverTo }] = await Promise.all([
      import("./repository.ts"),
      import("./deliver-to-github.ts"),
    ]);
    const { signal } = delivery;
    const access = { appId, privateKey, apiUrl, fetch, signal };
    return deliverTo(await openRepository(access, delivery.repository), delivery);
  }
}
