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

/** A build as far as decisions need it. */
export interface BuildView {
  ref: BuildRef;
  status: BuildStatus;
  /** The run that its tags name; undefined: it is none of ours. */
  runId: string | undefined;
  /** Google's sentence about a failure, or "". */
  failure: string;
}

/** A status as a client or a message gives it; a name we do not know is STATUS_UNKNOWN, never an error. */
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

/** The verdict on an attempt that left no manifest, from its build alone; undefined: no such build. */
export function verdictWithoutResult(build: BuildView | undefined): Verdict {
  const known = build && WITHOUT_RESULT[build.status];
  const [outcome, sentence] =
    known ?? (["build_lost", "Cloud Build does not know the build."] as const);
  const message = build?.failure ? `${sentence.replace(/\.$/, "")}: ${build.failure}` : sentence;
  return { outcome, message: truncateUtf8(message, RUN_LIMITS.messageBytes), deniedTools: [] };
}
