import type { BuildPlan } from "../../shared/attempt/build-plan.ts";
import type { BuildRef, BuildView } from "../../shared/attempt/build-view.ts";

/** What became of a CreateBuild. `unknown`: the build may exist, and only the claim can tell. */
export type Creation =
  | { kind: "created"; build: BuildRef }
  | { kind: "deferred"; message: string }
  | { kind: "rejected"; message: string }
  | { kind: "unknown"; message: string };

/** Builds in Cloud Build, all in one project and region. */
export interface Builds {
  /** Makes ready what takes a while; the first call does otherwise. */
  load(): Promise<void>;
  /** The build of that id. */
  refOf(id: string): BuildRef;
  /** Sends one CreateBuild, never a second: it has no idempotency key. Does not throw for an answer. */
  create(build: BuildPlan): Promise<Creation>;
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

/** Publishes attempts to `run-requests`. */
export interface Publisher {
  /** Resolves once Pub/Sub has the message. */
  publishAttempt(message: AttemptMessage): Promise<void>;
}
