import type { BuildPlan, TaggedAttempt } from "../../shared/attempt/build-plan.ts";
import type { BuildRef, BuildView } from "../../shared/attempt/build-view.ts";
import type { PullRequestMessage } from "../../shared/delivery/github-hook.ts";
import type { EventMessage } from "../../shared/documents/status-event.ts";
import type { TraceContext } from "../../shared/run/trace.ts";
import type { Fires } from "../../shared/triggers/fires.ts";

/** What became of a CreateBuild. `unknown`: the build may exist, and only the claim can tell. */
export type Creation =
  | { kind: "created"; build: BuildRef }
  /** `denied`: for want of a permission, which may take an hour to be honoured once it is given. */
  | { kind: "deferred" | "denied" | "rejected" | "unknown"; message: string };

/** A build that is not over, and the attempt that its tags name. */
export interface LiveBuild extends TaggedAttempt {
  ref: BuildRef;
}

/** Builds in Cloud Build, in any project and region. */
export interface Builds {
  /** Makes ready what takes a while; the first call does otherwise. */
  load(): Promise<void>;
  /** `projects/P/locations/L` of the configuration: of builds of which nothing else is known. */
  readonly parent: string;
  /**
   * Sends one CreateBuild, never a second: it has no idempotency key. Does not throw for an answer.
   */
  create(build: BuildPlan, parent: string): Promise<Creation>;
  /** Our builds in `parent` that are not over; one that was created just now may be missing. */
  listLive(parent: string): Promise<LiveBuild[]>;
  /** The build as Cloud Build has it now; undefined if it has none of that id. */
  get(build: BuildRef): Promise<BuildView | undefined>;
  /** Cancels a build. One that is over, or unknown, is left as it is. */
  cancel(build: BuildRef): Promise<void>;
}

/** The message on `run-requests`: an attempt that wants to be submitted. */
export interface AttemptMessage {
  runId: string;
  attempt: number;
}

/** The other message on it: slots may be free for those who wait for one of the machine type. */
export interface AdmissionMessage {
  admit: string;
}

/**
 * The message on `run-deliveries`: a finished run owes its repository what it changed, or a pull
 * request of runs may be another than it was.
 */
export type RunDeliveryMessage = { runId: string } | PullRequestMessage;

/** A third message on it: an attempt's build reads repositories with the GitHub App. */
export interface OpeningMessage {
  runId: string;
  attempt: number;
  /** For which the tokens are sealed; see `repository-tokens.ts`. */
  publicKey: string;
}

/** The message on `webhook-deliveries`: an attempt that is due, after so many. */
export interface DeliveryMessage {
  deliveryId: string;
  attempts: number;
}

/** A message that would be refused each time it came, and why. */
export interface RefusedMessage {
  data: Buffer;
  reason: string;
  /** The function that refused it. */
  source: string;
  messageId: string;
}

/** Publishes to the topics. */
export interface Publisher {
  /**
   * Resolves once Pub/Sub has the message.
   *
   * @param trace of the run: whoever is given the message goes on from there
   */
  publishAttempt(message: AttemptMessage, trace: TraceContext | null): Promise<void>;
  publishAdmission(message: AdmissionMessage): Promise<void>;
  publishEvent(message: EventMessage): Promise<void>;
  publishRunDelivery(message: RunDeliveryMessage | OpeningMessage): Promise<void>;
  publishDelivery(message: DeliveryMessage): Promise<void>;
  publishFires(message: Fires): Promise<void>;
  publishDeadLetter(message: RefusedMessage): Promise<void>;
}
