import {
  type BuildView,
  verdictOnSecrets,
  verdictWithoutClaim,
  verdictWithoutResult,
} from "../../shared/attempt/build-view.ts";
import { resultOf, sessionOf } from "../../shared/attempt/result.ts";
import type { Settlement } from "../../shared/attempt/settlement.ts";
import { type Verdict, verdict } from "../../shared/attempt/verdict.ts";
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
  const attempt = { paths, restore: record.state.restore };
  if (manifest.by === "build") {
    const settlement = await settlementOfManifest(services, manifest, attempt);
    return { ...settlement, verdict: verdictOfEnded(settlement.verdict, build) };
  }
  return { verdict: verdictWithoutResult(build), ...(await lastKept(services, attempt)) };
}

/**
 * A runner that was told to end does not know by whom; of a build that somebody has ended there is
 * no other attempt.
 */
function verdictOfEnded(verdict: Verdict, build: BuildView | undefined): Verdict {
  const isEnded = build?.status === "CANCELLED" || build?.status === "TIMEOUT";
  return verdict.outcome === "terminated" && isEnded ? verdictWithoutResult(build) : verdict;
}

/** A build that we cancelled since its time was over has run out of time. */
export function endedBuild(
  { state: { deadlineAt, cancelRequestedAt } }: RunRecord,
  { build, now }: { build: BuildView | undefined; now: Date },
): BuildView | undefined {
  const isOverdue = deadlineAt !== null && deadlineAt <= now && cancelRequestedAt === null;
  return build?.status === "CANCELLED" && isOverdue ? { ...build, status: "TIMEOUT" } : build;
}

/** What a build is over with that had no agent. */
export function verdictWithoutAgent({ secrets }: Services, build: BuildView | undefined): Verdict {
  return verdictOnSecrets(build, secrets.howToAdd) ?? verdictWithoutClaim(build);
}

/** The objects of an attempt, and what it was given to restore. */
interface Attempt {
  paths: AttemptPaths;
  restore: Session | null;
}

/** What was stored of an attempt while it worked. Nobody knows what it has spent since then. */
async function lastKept(
  { artifacts }: Services,
  { paths, restore }: Attempt,
): Promise<Pick<Settlement, "result" | "session" | "checkpoint">> {
  const checkpoint = await artifacts.checkpointOf(paths);
  if (checkpoint === undefined) return {};
  const { attempt, number, endedAt } = checkpoint;
  return {
    result: resultOf(checkpoint, (object) => artifacts.uriOf(object), restore),
    session: sessionOf(checkpoint, artifacts.bucketName, restore),
    checkpoint: { attempt, number, at: new Date(endedAt) },
  };
}

async function settlementOfManifest(
  services: Services,
  manifest: BuildManifest,
  attempt: Attempt,
): Promise<Settlement> {
  const { artifacts } = services;
  const { paths, restore } = attempt;
  const result = resultOf(manifest, (object) => artifacts.uriOf(object), restore);
  const known = {
    ...spentBy(manifest),
    ...(manifest.phases && { phases: manifest.phases }),
    startedAt: new Date(manifest.startedAt),
  };
  const fault = await artifacts.faultOf(manifest, paths);
  if (fault === undefined) {
    const own = sessionOf(manifest, artifacts.bucketName, restore);
    const session = own ?? (await keptBefore(services, manifest, attempt));
    return { verdict: verdict(manifest.facts, manifest.omitted), result, session, ...known };
  }
  const message = `An output of the run is not as its manifest says: ${fault}.`;
  const session = await keptBefore(services, manifest, attempt);
  const lost: Verdict = { outcome: "artifact_missing", message, deniedTools: [] };
  return { verdict: lost, result, session, ...known };
}

/** What there is to go on from where the attempt's own end left nothing. */
async function keptBefore(
  services: Services,
  { facts }: BuildManifest,
  attempt: Attempt,
): Promise<Session | null> {
  if (!facts.started) return null;
  return (await lastKept(services, attempt)).session ?? null;
}

/** An agent that has not started has spent nothing; of another its runner must say what it has. */
function spentBy({ facts }: BuildManifest): Pick<Settlement, "spentUsd"> {
  if (facts.spending !== undefined) return { spentUsd: facts.spending.costUsd };
  return facts.started ? {} : { spentUsd: 0 };
}
