import { RUN_LIMITS } from "../limits.ts";

import { truncateUtf8 } from "../text.ts";
import type { Outcome } from "./outcomes.ts";
import type { Verdict } from "./verdict.ts";

/** `Build.Status` by Google's names, with whether a build in it is over. */
const BUILD_STATUSES = {
  STATUS_UNKNOWN: false,
  PENDING: false,
  QUEUED: false,
  WORKING: false,
  SUCCESS: true,
  FAILURE: true,
  INTERNAL_ERROR: true,
  TIMEOUT: true,
  CANCELLED: true,
  EXPIRED: true,
} as const;
export type BuildStatus = keyof typeof BUILD_STATUSES;

/** A build by Google's resource name and by its id, which is the name's last part. */
export interface BuildRef {
  name: string;
  id: string;
}

/** @param parent `projects/P/locations/L` */
export const buildRef = (parent: string, id: string): BuildRef => ({
  id,
  name: `${parent}/builds/${id}`,
});

/** What {@link buildRef} was given. */
export const parentOfBuild = ({ name }: BuildRef): string => name.replace(/\/builds\/[^/]*$/, "");

/** A build as far as decisions need it. */
export interface BuildView {
  ref: BuildRef;
  status: BuildStatus;
  /** When it began to work; null: it has not. */
  startedAt: Date | null;
  /** `gs://BUCKET/OBJECT` that it was given as its source; "": none. */
  input: string;
  /** Google's sentence about a failure, or "". */
  failure: string;
}

/**
 * A status as a client or a message gives it; a name we do not know is STATUS_UNKNOWN, never an
 * error.
 */
export function parseBuildStatus(status: unknown): BuildStatus {
  return typeof status === "string" && status in BUILD_STATUSES
    ? (status as BuildStatus)
    : "STATUS_UNKNOWN";
}

export function isOver(status: BuildStatus): boolean {
  return BUILD_STATUSES[status];
}

const WITHOUT_RESULT: Partial<Record<BuildStatus, readonly [Outcome, string]>> = {
  SUCCESS: ["artifact_missing", "The build succeeded but left no manifest."],
  FAILURE: ["build_lost", "The build failed before the agent's result was kept"],
  INTERNAL_ERROR: ["build_lost", "Cloud Build had an internal error."],
  TIMEOUT: ["build_timed_out", "The build ran out of time before the agent's result was kept."],
  CANCELLED: ["build_cancelled", "The build was cancelled in Cloud Build."],
  EXPIRED: ["build_expired", "Cloud Build did not start the build in time."],
};

/**
 * The verdict on an attempt that left no manifest, from its build alone; undefined: no such build.
 */
export function verdictWithoutResult(build: BuildView | undefined): Verdict {
  const known = build && WITHOUT_RESULT[build.status];
  const [outcome, sentence] =
    known ?? (["build_lost", "Cloud Build does not know the build."] as const);
  const message = build?.failure ? `${sentence.replace(/\.$/, "")}: ${build.failure}` : sentence;
  return { outcome, message: truncateUtf8(message, RUN_LIMITS.messageBytes), deniedTools: [] };
}

/**
 * What those mean that say nothing of why no agent ever started: an attempt whose claim was sealed.
 */
const WITHOUT_AGENT: Partial<Record<BuildStatus, readonly [Outcome, string]>> = {
  SUCCESS: ["submission_lost", "The build came too late for its attempt; it was replaced."],
  TIMEOUT: ["build_lost", "The build ran out of time before an agent started."],
};

/** {@link verdictWithoutResult} on an attempt whose claim no build ever had. */
export function verdictWithoutClaim(build: BuildView | undefined): Verdict {
  const [outcome, message] = build
    ? (WITHOUT_AGENT[build.status] ?? [])
    : (["submission_lost", "Cloud Build does not know the build; it was replaced."] as const);
  if (outcome === undefined || message === undefined) return verdictWithoutResult(build);
  return { outcome, message, deniedTools: [] };
}

/** How Cloud Build says that it did not get a secret, and why. */
const NO_SECRET =
  /failed to access secret version for secret (projects\/[\w:.-]+\/secrets\/[\w-]+\/versions\/[\w-]+): (.*)/s;
/**
 * Reasons for which a secret is not there: none of the name, or a version that was disabled or
 * destroyed.
 */
const NOT_THERE = /code = (NotFound|FailedPrecondition)\b/;
/** … and for which it may not be had; others may pass. */
const NOT_ALLOWED = /code = (PermissionDenied|Unauthenticated|InvalidArgument)\b/;

/**
 * The verdict on a build that did not get a secret; undefined: it did, or might the next time.
 *
 * @param howToAdd what adds a secret that is not there
 */
export function verdictOnSecrets(
  build: BuildView | undefined,
  howToAdd: (versionName: string) => string,
): Verdict | undefined {
  const [, secret = "", reason = ""] = NO_SECRET.exec(build?.failure ?? "") ?? [];
  const verdict = (outcome: Outcome, text: string): Verdict => {
    const message = truncateUtf8(text, RUN_LIMITS.messageBytes);
    return { outcome, message, deniedTools: [] };
  };
  if (NOT_THERE.test(reason)) {
    return verdict("secret_missing", `The secret ${secret} is not there: ${howToAdd(secret)}.`);
  }
  if (NOT_ALLOWED.test(reason)) {
    return verdict("secret_unreadable", `The build may not read the secret ${secret}: ${reason}`);
  }
  return undefined;
}
