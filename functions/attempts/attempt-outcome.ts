import { type BuildView, verdictWithoutResult } from "../../shared/attempt/build-view.ts";
import { resultOf, sessionOf } from "../../shared/attempt/result.ts";
import type { Settlement } from "../../shared/attempt/settlement.ts";
import { verdict } from "../../shared/attempt/verdict.ts";
import { type AttemptPaths, attemptPaths } from "../../shared/documents/attempt.ts";
import type { BuildManifest, Manifest } from "../../shared/documents/manifest.ts";
import type { Session } from "../../shared/documents/session.ts";
import type { RunRecord } from "../../shared/run/record.ts";
import type { Services } from "../services/services.ts";

/** The objects of the attempt that a run is in. */
export function pathsOf({ run, state }: RunRecord): AttemptPaths {
  return attemptPaths(run.id, state.attempt, state.nonce);
}

/**
 * Settles the manifest of a build that is over (or gone) and had the claim, and says what it means.
 * Call only while no process of that build can still be at work.
 */
export async function settlementOf(
  services: Services,
  record: RunRecord,
  build: BuildView | undefined,
): Promise<Settlement> {
  const paths = pathsOf(record);
  const cause = build === undefined ? "the build is gone" : `the build is over (${build.status})`;
  const manifest: Manifest =
    (await services.artifacts.manifestOf(paths)) ??
    (await services.artifacts.sealManifest(paths, cause));
  if (manifest.by === "seal") return { verdict: verdictWithoutResult(build) };
  return settlementOfManifest(services, manifest, { paths, restore: record.state.restore });
}

async function settlementOfManifest(
  { artifacts }: Services,
  manifest: BuildManifest,
  { paths, restore }: { paths: AttemptPaths; restore: Session | null },
): Promise<Settlement> {
  const result = resultOf(manifest, (object) => artifacts.uriOf(object), restore);
  const fault = await artifacts.faultOf(manifest, paths);
  if (fault === undefined) {
    const session = sessionOf(manifest, artifacts.bucketName, restore);
    return { verdict: verdict(manifest.facts), result, session };
  }
  const message = `An output of the run is not as its manifest says: ${fault}.`;
  return { verdict: { outcome: "artifact_missing", message, deniedTools: [] }, result };
}
