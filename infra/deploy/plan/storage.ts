import { ATTEMPTS_PREFIX } from "../../../shared/documents/attempt.ts";
import { MIRROR_DAYS, MIRRORS_PREFIX } from "../../../shared/documents/mirror.ts";
import { UPLOAD_DAYS, UPLOADS_PREFIX } from "../../../shared/documents/upload.ts";
import { CUSTOM_TIME_DAYS } from "../../../shared/run/retention.ts";
import { EVENT_DAYS, EVENTS_PREFIX } from "../../../shared/triggers/event-object.ts";
import type { Argument, Resource } from "../resource.ts";
import type { Stack } from "./stack.ts";

/**
 * The buckets, the images' repository, and the secret, whose value is added by hand and never by
 * the stack.
 */
export function storageResources({ settings, names }: Stack): Resource[] {
  const { project, region, buildRegion, modelKeySecret, outputDays, logDays } = settings;
  const bucket = (name: string, bucketName: string, rules: readonly Argument[]): Resource => ({
    name,
    type: "storage.Bucket",
    args: {
      project,
      name: bucketName,
      location: region.toUpperCase(),
      uniformBucketLevelAccess: true,
      publicAccessPrevention: "enforced",
      // Google's default keeps what was deleted for seven more days: here erased is erased.
      softDeletePolicy: { retentionDurationSeconds: 0 },
      forceDestroy: false,
      lifecycleRules: rules,
    },
    after: ["api-storage"],
    isData: true,
  });
  return [
    bucket("bucket-data", names.dataBucket, [
      UNFINISHED,
      EXPIRED,
      deletion(UPLOAD_DAYS, [UPLOADS_PREFIX]),
      deletion(MIRROR_DAYS, [MIRRORS_PREFIX]),
      ...(outputDays === undefined ? [] : [deletion(outputDays, [ATTEMPTS_PREFIX])]),
      deletion(EVENT_DAYS, [EVENTS_PREFIX]),
    ]),
    bucket("bucket-logs", names.logsBucket, [deletion(logDays, [])]),
    {
      name: "images",
      type: "artifactregistry.Repository",
      args: { project, location: buildRegion, repositoryId: names.repository, format: "DOCKER" },
      after: ["api-artifactregistry"],
      isData: true,
    },
    {
      name: "model-key",
      type: "secretmanager.Secret",
      args: { project, secretId: modelKeySecret, replication: { auto: {} } },
      after: ["api-secretmanager"],
      isData: true,
    },
  ];
}

/** Pieces of uploads that nobody goes on with. */
const UNFINISHED: Argument = {
  action: { type: "AbortIncompleteMultipartUpload" },
  condition: { age: 7 },
};

/** What is kept for a time has a `customTime`, which the functions and the runner have set. */
export const EXPIRED = {
  action: { type: "Delete" },
  condition: { daysSinceCustomTime: CUSTOM_TIME_DAYS, matchesPrefixes: [ATTEMPTS_PREFIX] },
} satisfies Argument;

function deletion(age: number, prefixes: readonly string[]): Argument {
  const condition = { age, ...(prefixes.length > 0 && { matchesPrefixes: prefixes }) };
  return { action: { type: "Delete" }, condition };
}
