/**
 * The limits of a build request. Where today's documentation is silent the numbers are those of
 * Google's own validator in cloud-build-local.
 *
 * @see https://cloud.google.com/build/docs/build-config-file-schema
 */
export const LIMITS = {
  steps: 300,
  stepNameLength: 1000,
  argsPerStep: 100,
  argLength: 10_000,
  dirLength: 1000,
  envsPerStep: 100,
  envLength: 1000,
  images: 100,
  imageLength: 1000,
  substitutions: 100,
  substitutionKeyLength: 100,
  substitutionValueLength: 4000,
  tags: 64,
  artifactPaths: 100,
  secretValues: 100,
  diskSizeGb: 4000,
  exitCode: 255,
  timeoutMs: 24 * 3600 * 1000,
  stepOutputBytes: 50 * 1024,
} as const;

/** A build's `timeout` when it gives none. */
export const DEFAULT_TIMEOUT_SECONDS = 3600;

/** A build's `queueTtl` when it gives none. */
export const DEFAULT_QUEUE_TTL_SECONDS = 3600;
