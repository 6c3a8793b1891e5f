import { typed } from "../../../cli/typed.ts";
import { type MACHINE_TYPES, resolveAgent } from "../../../shared/agent/settings.ts";
import type { Target } from "../../../shared/capacity/target.ts";
import { fault, type Look, ok, warning } from "../check.ts";

/**
 * CPUs of a machine type, which is what a region's quota counts.
 *
 * @see https://cloud.google.com/build/pricing
 */
const CPUS: Readonly<Record<(typeof MACHINE_TYPES)[number], number>> = {
  E2_MEDIUM: 1,
  E2_STANDARD_2: 2,
  E2_HIGHCPU_8: 8,
  E2_HIGHCPU_32: 32,
};

/** Of a quota what is left to builds that are not ours, deployments above all. */
const RESERVE = 0.1;

/** CPUs that run at once in a region's default pool. @see https://cloud.google.com/build/quotas */
export const QUOTA_METRIC = "cloudbuild.googleapis.com/concurrent_public_pool_build_cpus";

/** Of a target what its CPUs are counted by. */
export type Place = Pick<Target, "id" | "projectId" | "location" | "pool" | "slots">;

/** A metric of Service Usage's `consumerQuotaMetrics`. */
export interface QuotaMetric {
  metric: string;
  consumerQuotaLimits?: {
    quotaBuckets?: { effectiveLimit?: string; dimensions?: Record<string, string> }[];
  }[];
}

/** Whether a run that names no machine would wait for ever. */
export function defaultLook(places: readonly Place[], projectId: string): Look[] {
  const { machineType } = resolveAgent();
  if (places.some(({ slots }) => (slots[machineType] ?? 0) > 0)) return [];
  const [id = "default"] = places.map((place) => place.id);
  return [
    fault(
      `no target has slots of ${machineType}, which a run gets that names no machine`,
      capacityCommand(id, { [machineType]: 1 }, projectId),
    ),
  ];
}

/**
 * CPUs that may run at once in a region; undefined: nothing is said of it, -1: as many as there
 * are.
 */
function quotaOf(metrics: readonly QuotaMetric[], region: string): number | undefined {
  const found = metrics.find(({ metric }) => metric === QUOTA_METRIC);
  const buckets = (found?.consumerQuotaLimits ?? []).flatMap(
    ({ quotaBuckets = [] }) => quotaBuckets,
  );
  const own = buckets.find(({ dimensions }) => dimensions?.["region"] === region);
  const bucket = own ?? buckets.find(({ dimensions }) => !dimensions?.["region"]);
  return bucket?.effectiveLimit === undefined ? undefined : Number(bucket.effectiveLimit);
}

/**
 * Holds what the targets may run at once against what Cloud Build lets run, region by region.
 *
 * @param projectId the project whose quota it is: other projects' targets are left out
 */
export function quotaLooks(
  places: readonly Place[],
  metrics: readonly QuotaMetric[],
  projectId: string,
): Look[] {
  const own = places.filter((place) => place.projectId === projectId);
  const pools = own.filter(({ pool }) => pool !== null);
  const regions = Map.groupBy(
    own.filter(({ pool }) => pool === null),
    ({ location }) => location,
  );
  return [
    ...[...regions].map(([region, targets]) =>
      regionLook({ region, targets, quota: quotaOf(metrics, region), projectId }),
    ),
    ...pools.map(({ id, pool }) =>
      warning(
        `the target ${id} is of the private pool ${pool}, whose quota is one of its machines`,
        `gcloud builds worker-pools describe ${pool}`,
      ),
    ),
  ];
}

function regionLook({
  region,
  targets,
  quota,
  projectId,
}: {
  region: string;
  targets: readonly Place[];
  quota: number | undefined;
  projectId: string;
}): Look {
  const cpus = targets.reduce((sum, { slots }) => sum + cpusOf(slots), 0);
  const wanted = `${region}: the targets run builds on ${cpus} CPUs at once`;
  if (quota === undefined) return warning(`${wanted}, and Cloud Build tells no quota of it`);
  if (quota < 0) return ok(`${wanted}, of any number`);
  const room = Math.floor(quota * (1 - RESERVE));
  const found = `${wanted}, of a quota of ${quota}`;
  if (cpus <= room) return ok(found);
  const mend = targets.map((target) => lowered(target, room / cpus, projectId)).join(" && ");
  if (cpus > quota) return fault(`${found}: what is more waits in Cloud Build, and expires`, mend);
  return warning(`${found}, which leaves less than a tenth to other builds`, mend);
}

const cpusOf = (slots: Place["slots"]): number =>
  Object.entries(slots).reduce((sum, [type, count]) => sum + count * cpusOfType(type), 0);

const cpusOfType = (type: string): number => (CPUS as Readonly<Record<string, number>>)[type] ?? 1;

/** Says less of each machine type of a target. */
function lowered({ id, slots }: Place, share: number, projectId: string): string {
  const fewer = Object.entries(slots).map(([type, count]) => [type, Math.floor(count * share)]);
  return capacityCommand(id, Object.fromEntries(fewer), projectId);
}

/** What gives a target these slots. */
export function capacityCommand(
  id: string,
  slots: Readonly<Record<string, number>>,
  projectId: string,
): string {
  const counts = Object.entries(slots).map(([type, count]) => `${type}=${count}`);
  return typed(["capacity", "set", id, ...counts, "--project", projectId]);
}
