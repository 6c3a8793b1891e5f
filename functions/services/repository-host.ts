import type { CommitFile } from "../../shared/delivery/commit-file.ts";
import type { DeliveryRule, RepositoryName } from "../../shared/delivery/repository-name.ts";
import type { Run } from "../../shared/documents/run.ts";
import type { Delivered, OwedDelivery, OwedPlace } from "../../shared/run/owed-delivery.ts";
import type { SeenPullRequest } from "../../shared/run/watched-pull-request.ts";

/** One repository of what a run owes. */
export type OwedTo = Pick<OwedDelivery, "deliver" | "branch"> &
  Pick<OwedPlace, "folder" | "url" | "ref">;

/** What is to be handed back to a repository. */
export interface Delivery {
  repository: RepositoryName;
  /** As it ended. */
  run: Run;
  owed: OwedTo;
  commit: CommitFile;
  /** Ends what is under way: its time is over. */
  signal: AbortSignal;
}

/** Where a pull request is that is to be looked at. */
export interface PullRequestPlace {
  repository: RepositoryName;
  number: number;
  /** Ends what is under way: its time is over. */
  signal: AbortSignal;
}

/** The host that runs are delivered to, and read from by its App. */
export interface RepositoryHost {
  /** Whose runs may be delivered where. */
  readonly rule: DeliveryRule;
  /** What a comment has in it by which a conversation goes on; undefined: none does. */
  readonly mention: string | undefined;
  /** What the host signs with that it posts to the hook of its own; undefined: nothing is taken. */
  hookKey(): Promise<string | undefined>;
  /** How a pull request is now. @throws {DeliveryFault} */
  look(place: PullRequestPlace): Promise<SeenPullRequest>;
  /** Whether somebody may write to the repository. @throws {DeliveryFault} */
  mayWrite(place: PullRequestPlace, login: string): Promise<boolean>;
  /**
   * Hands back what a run changed. To repeat it finds what was made before, and goes on from there.
   *
   * @throws {DeliveryFault}
   */
  deliver(delivery: Delivery): Promise<Delivered>;
  /**
   * A token of an hour that reads the one repository, and does nothing else.
   *
   * @throws {DeliveryFault}
   */
  readToken(repository: RepositoryName, signal: AbortSignal): Promise<string>;
}

/** Why a delivery, or a token, was not made, in one sentence for the run's owner. */
export class DeliveryFault extends Error {
  override readonly name = "DeliveryFault";
  /** When it is worth to try again, in seconds; undefined: it is refused for good. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    message: string,
    { cause, retryAfterSeconds }: { cause?: unknown; retryAfterSeconds?: number | undefined } = {},
  ) {
    super(message, { cause });
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
