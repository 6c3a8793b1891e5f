import type { Clock } from "../wire/clock.ts";
import { GoogleError } from "../wire/status.ts";

const WINDOW_MS = 60_000;

/** Counts one request of a project. @throws {GoogleError} RESOURCE_EXHAUSTED over the limit. */
export type RequestQuota = (projectNumber: string) => void;

/**
 * A quota of `perMinute` requests for each project, over the last minute; without `perMinute` no
 * limit.
 *
 * @param metric as Google names it: `Create requests`.
 */
export function requestQuota(
  clock: Clock,
  metric: string,
  perMinute: number | undefined,
): RequestQuota {
  const takenByProject = new Map<string, number[]>();
  return (projectNumber) => {
    if (perMinute === undefined) return;
    const now = clock.now();
    const taken = (takenByProject.get(projectNumber) ?? []).filter((at) => at > now - WINDOW_MS);
    takenByProject.set(projectNumber, taken);
    if (taken.length >= perMinute) {
      throw new GoogleError(
        "RESOURCE_EXHAUSTED",
        `Quota exceeded for quota metric '${metric}' and limit '${metric} per minute' of service 'cloudbuild.googleapis.com' for consumer 'project_number:${projectNumber}'.`,
      );
    }
    taken.push(now);
  };
}
