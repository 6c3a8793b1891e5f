/**
 * The Build message as this service holds it: decoded by the wire (camelCase, enums by name, int64
 * as strings), except that bytes are base64 text, so that a build is plain JSON at rest. Fields
 * that the service never looks at travel along untouched.
 *
 * @see https://cloud.google.com/build/docs/api/reference/rpc/google.devtools.cloudbuild.v1#build
 */
export interface Build {
  id: string;
  /** `projects/NUMBER/locations/LOCATION/builds/ID` */
  name: string;
  projectId: string;
  status: BuildStatus;
  statusDetail?: string;
  steps: BuildStep[];
  createTime: Timestamp;
  startTime?: Timestamp;
  finishTime?: Timestamp;
  timeout: Duration;
  queueTtl: Duration;
  source?: { storageSource?: StorageSource };
  sourceProvenance?: { resolvedStorageSource?: StorageSource };
  images?: string[];
  tags?: string[];
  substitutions?: Record<string, string>;
  serviceAccount?: string;
  /** `gs://BUCKET` or `gs://BUCKET/FOLDER`, as Google shows it. */
  logsBucket?: string;
  logUrl?: string;
  artifacts?: Artifacts;
  availableSecrets?: { secretManager?: { versionName?: string; env?: string }[] };
  options?: BuildOptions;
  results?: Results;
  timing?: Record<string, TimeSpan>;
  failureInfo?: FailureInfo;
  buildTriggerId?: string;
}

/** A build as a client sends it to CreateBuild: nothing is certain to be there. */
export type RequestedBuild = Partial<Build>;

const LIVE_STATUSES = ["QUEUED", "WORKING"] as const;
const TERMINAL_STATUSES = [
  "SUCCESS",
  "FAILURE",
  "INTERNAL_ERROR",
  "TIMEOUT",
  "CANCELLED",
  "EXPIRED",
] as const;

/** The statuses that a build, or a step of it, goes through here. */
export type BuildStatus = (typeof LIVE_STATUSES)[number] | TerminalStatus;

/** A status that a build never leaves. */
export type TerminalStatus = (typeof TERMINAL_STATUSES)[number];

/** Whether a build in `status` is over. */
export function isTerminal(status: BuildStatus): status is TerminalStatus {
  return TERMINAL_STATUSES.some((terminal) => terminal === status);
}

/**
 * One step; the fields after `script` are the service's output, filled in when the build is over.
 */
export interface BuildStep {
  name: string;
  id?: string;
  args?: string[];
  env?: string[];
  dir?: string;
  entrypoint?: string;
  waitFor?: string[];
  secretEnv?: string[];
  timeout?: Duration;
  allowFailure?: boolean;
  allowExitCodes?: number[];
  automapSubstitutions?: boolean;
  script?: string;
  status?: BuildStatus;
  exitCode?: number;
  timing?: TimeSpan;
  pullTiming?: TimeSpan;
}

interface BuildOptions {
  env?: string[];
  secretEnv?: string[];
  logging?: string;
  defaultLogsBucketBehavior?: string;
  substitutionOption?: string;
  automapSubstitutions?: boolean;
  diskSizeGb?: string;
}

/** Where an archive lies; without `generation` the latest. `generation` is an int64 as text. */
interface StorageSource {
  bucket?: string;
  object?: string;
  generation?: string;
}

interface Artifacts {
  images?: string[];
  objects?: { location?: string; paths?: string[]; timing?: TimeSpan };
}

interface Results {
  buildStepImages?: string[];
  /** Base64, one per step; "" for a step that wrote none. */
  buildStepOutputs?: string[];
  artifactManifest?: string;
  numArtifacts?: string;
  artifactTiming?: TimeSpan;
}

export interface FailureInfo {
  type: "PUSH_IMAGE_NOT_FOUND" | "LOGGING_FAILURE" | "USER_BUILD_STEP" | "FETCH_SOURCE_FAILED";
  detail: string;
}

export interface Timestamp {
  seconds: string;
  nanos: number;
}

export interface Duration {
  seconds?: string | number;
  nanos?: number;
}

export interface TimeSpan {
  startTime: Timestamp;
  endTime: Timestamp;
}

/** Milliseconds since the epoch as the proto's Timestamp. */
export function toTimestamp(atMs: number): Timestamp {
  const seconds = Math.floor(atMs / 1000);
  return { seconds: String(seconds), nanos: Math.round((atMs - seconds * 1000) * 1_000_000) };
}

/** A proto Timestamp as milliseconds since the epoch. */
export function timestampMs(timestamp: Timestamp): number {
  return Number(timestamp.seconds) * 1000 + timestamp.nanos / 1_000_000;
}

/** A proto Duration in milliseconds. */
export function durationMs(duration: Duration): number {
  return Number(duration.seconds ?? 0) * 1000 + (duration.nanos ?? 0) / 1_000_000;
}

/** Both ends of something that began and ended at these instants. */
export function timeSpan(startMs: number, endMs: number): TimeSpan {
  return { startTime: toTimestamp(startMs), endTime: toTimestamp(endMs) };
}
