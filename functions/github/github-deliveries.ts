import type { DeliveryRule, RepositoryName } from "../../shared/delivery/repository-name.ts";
import type { Delivered } from "../../shared/run/owed-delivery.ts";
import type { SeenPullRequest } from "../../shared/run/watched-pull-request.ts";
import type { GithubSettings } from "../github-settings.ts";
import {
  type Delivery,
  DeliveryFault,
  type PullRequestPlace,
  type RepositoryHost,
} from "../services/repository-host.ts";
import type { Access, Permissions, Repository } from "./repository.ts";

/** What of the outside deliveries depend on. */
interface Surroundings {
  /** What the settings do not have themselves; undefined: there is none. */
  keyOf(secret: string): Promise<string | undefined>;
  /** Default: Node's own. */
  fetch?: typeof fetch;
}

/** Deliveries to GitHub, and tokens to read there, by an App that is installed there. */
export class GithubDeliveries implements RepositoryHost {
  readonly rule: DeliveryRule;
  readonly mention: string | undefined;
  readonly #settings: GithubSettings;
  readonly #surroundings: Surroundings;

  constructor(settings: GithubSettings, surroundings: Surroundings) {
    this.rule = settings.rule;
    this.mention = settings.mention;
    this.#settings = settings;
    this.#surroundings = surroundings;
  }

  async hookKey(): Promise<string | undefined> {
    const { hookKey, hookKeySecret } = this.#settings;
    return hookKey ?? (await this.#surroundings.keyOf(hookKeySecret));
  }

  async deliver(delivery: Delivery): Promise<Delivered> {
    const [repository, { deliverTo }] = await Promise.all([
      this.#open(delivery),
      import("./deliver-to-github.ts"),
    ]);
    return deliverTo(repository, delivery);
  }

  async look(place: PullRequestPlace): Promise<SeenPullRequest> {
    const permissions = { pull_requests: "read" } as const;
    const [repository, { lookAt }] = await Promise.all([
      this.#open(place, permissions),
      import("./look.ts"),
    ]);
    return lookAt(repository, place);
  }

  async mayWrite(place: PullRequestPlace, login: string): Promise<boolean> {
    const [repository, { mayWrite }] = await Promise.all([
      this.#open(place, { metadata: "read" }),
      import("./look.ts"),
    ]);
    return mayWrite(repository, login);
  }

  async readToken(repository: RepositoryName, signal: AbortSignal): Promise<string> {
    const { readTokenOf } = await import("./repository.ts");
    return readTokenOf(await this.#access(signal), repository);
  }

  async #open(
    { repository, signal }: Pick<PullRequestPlace, "repository" | "signal">,
    permissions?: Permissions,
  ): Promise<Repository> {
    // Whoever delivers nothing never loads it.
    const { openRepository } = await import("./repository.ts");
    return openRepository(await this.#access(signal), repository, permissions);
  }

  /** @throws {DeliveryFault} if there is no App */
  async #access(signal: AbortSignal): Promise<Access> {
    const { appId, apiUrl, keySecret } = this.#settings;
    const { keyOf, fetch } = this.#surroundings;
    const privateKey = this.#settings.privateKey ?? (await keyOf(keySecret));
    if (appId === undefined || privateKey === undefined) {
      throw new DeliveryFault("The operator has set up no GitHub App, or its key is missing.");
    }
    return { appId, privateKey, apiUrl, fetch, signal };
  }
}
