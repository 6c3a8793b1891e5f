import {
  type Build,
  type BuildStep,
  durationMs,
  type RequestedBuild,
  toTimestamp,
} from "./build.ts";
import { DEFAULT_QUEUE_TTL_SECONDS, DEFAULT_TIMEOUT_SECONDS } from "./limits.ts";
import { type BuildPlace, mapTemplates, substitute, substitutionValues } from "./substitutions.ts";
import { checkBuild, checkSubstituted } from "./validate-build.ts";

/**
 * The build that a request asks for, checked, with Google's defaults and its substitutions applied;
 * QUEUED.
 *
 * @throws {GoogleError} INVALID_ARGUMENT; UNIMPLEMENTED for what this service does not have.
 */
export function newBuild(place: BuildPlace, request: RequestedBuild, nowMs: number): Build {
  checkBuild(request);
  const values = substitutionValues(place, request);
  const substituted = mapTemplates(request, (template) => substitute(template, values));
  const images = substituted.images?.length ? substituted.images : substituted.artifacts?.images;
  const tags = checkSubstituted({ ...substituted, ...(images && { images }) });
  const { projectId, projectNumber, location, id } = place;
  const console = "https://console.cloud.google.com/cloud-build/builds";
  const logsBucket = logsBucketOf(substituted, place);
  return {
    ...withoutOutput(substituted),
    id,
    name: `projects/${projectNumber}/locations/${location}/builds/${id}`,
    projectId,
    status: "QUEUED",
    steps: (substituted.steps ?? []).map(stepWithoutOutput),
    createTime: toTimestamp(nowMs),
    timeout: orDefault(request.timeout, DEFAULT_TIMEOUT_SECONDS),
    queueTtl: orDefault(request.queueTtl, DEFAULT_QUEUE_TTL_SECONDS),
    tags,
    ...(images && { images, artifacts: { ...substituted.artifacts, images } }),
    options: { logging: "LEGACY", ...withoutUnspecified(substituted.options) },
    ...(logsBucket && { logsBucket }),
    logUrl: `${console};region=${location}/${id}?project=${projectNumber}`,
  };
}

function withoutUnspecified(options: Build["options"]): Build["options"] {
  const { logging, ...others } = options ?? {};
  return logging === undefined || logging === "LOGGING_UNSPECIFIED"
    ? others
    : { logging, ...others };
}

function orDefault(duration: Build["timeout"] | undefined, seconds: number): Build["timeout"] {
  if (duration && durationMs(duration) > 0) return duration;
  return { seconds: String(seconds) };
}

/** A request may carry what only the service fills in; Google ignores it. */
function withoutOutput(build: RequestedBuild): RequestedBuild {
  const {
    statusDetail: _statusDetail,
    results: _results,
    startTime: _startTime,
    finishTime: _finishTime,
    sourceProvenance: _sourceProvenance,
    buildTriggerId: _buildTriggerId,
    timing: _timing,
    failureInfo: _failureInfo,
    ...input
  } = build;
  return input;
}

function stepWithoutOutput(step: BuildStep): BuildStep {
  const { status: _s, exitCode: _e, timing: _t, pullTiming: _p, ...input } = step;
  return input;
}

const UNSTORED_LOGGING = ["NONE", "CLOUD_LOGGING_ONLY", "STACKDRIVER_ONLY"];

function logsBucketOf(
  { logsBucket, options }: RequestedBuild,
  { projectNumber, location }: BuildPlace,
): string | undefined {
  if (logsBucket) return logsBucket.startsWith("gs://") ? logsBucket : `gs://${logsBucket}`;
  if (UNSTORED_LOGGING.includes(options?.logging ?? "")) return undefined;
  return options?.defaultLogsBucketBehavior === "REGIONAL_USER_OWNED_BUCKET"
    ? `gs://${projectNumber}-${location}-cloudbuild-logs`
    : `gs://${projectNumber}.cloudbuild-logs.googleusercontent.com`;
}
