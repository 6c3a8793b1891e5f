import type { BuildRef } from "../../shared/attempt/build-view.ts";
import { type BuildView, isOver, verdictWithoutResult } from "../../shared/attempt/build-view.ts";
import type { Settlement } from "../../shared/attempt/settlement.ts";
import { newNonce, newUuid } from "../../shared/ids.ts";
import type { Effect, RunEvent, RunRecord, Transition } from "../../shared/run/record.ts";
import { next } from "../../shared/run/run.ts";
import type { Services } from "../services/services.ts";
import { pathsOf, settlementOf } from "./attempt-outcome.ts";

/** What was decided on an event, and the run after it. */
type Applied = Transition & { record: RunRecord };

/**
 * Applies an event to a run in a transaction, then does what the decision asks for.
 *
 * @returns undefined if there is no such run
 */
export function applyEvent(
  services: Services,
  id: string,
  event: RunEvent,
): Promise<Applied | undefined> {
  return applyAdmittedEvent(services, id, { event, admit: () => undefined });
}

/**
 * {@link applyEvent} for an event that not everybody may cause.
 *
 * @param of.admit throws if the event may not be applied to the run as the transaction has read it;
 * nothing is decided or done then
 */
export async function applyAdmittedEvent(
  services: Services,
  id: string,
  { event, admit }: { event: RunEvent; admit(record: RunRecord): void },
): Promise<Applied | undefined> {
  const transacted = await services.runs.transact(id, (record, now) => {
    admit(record);
    return next(record, event, now);
  });
  if (transacted === undefined) return undefined;
  const { record } = transacted;
  const outcome = transacted.changed ? record.run.status : `refused: ${transacted.reason}`;
  if (event.type !== "progress") {
    services.log("INFO", `${event.type}: ${outcome}`, { runId: id, attempt: record.state.attempt });
  }
  for (const effect of transacted.effects) await perform(services, record, effect);
  return transacted;
}

async function perform(services: Services, record: RunRecord, effect: Effect): Promise<void> {
  switch (effect.type) {
    case "publish":
      await services.publisher.publishAttempt({
        runId: record.run.id,
        attempt: record.state.attempt,
      });
      return;
    case "publishTurn":
      await services.publisher.publishAttempt({ runId: effect.runId, attempt: 1 });
      return;
    case "cancelBuild":
      await cancelOwn(services, record, effect.build);
      return;
    case "stopAttempt":
      await stopAttempt(services, record);
      return;
  }
}

/** A report names its build, and whoever may report for one run shall not end another's. */
async function cancelOwn({ builds }: Services, { run }: RunRecord, ref: BuildRef): Promise<void> {
  const build = await builds.get(ref);
  if (build?.runId === run.id && !isOver(build.status)) await builds.cancel(ref);
}

/**
 * Ends an attempt whose run is being cancelled. Tells the runner; if no runner has claimed the attempt
 * none ever will after this, and the attempt is over at once.
 */
export async function stopAttempt(services: Services, record: RunRecord): Promise<void> {
  const paths = pathsOf(record);
  await services.artifacts.markCancel(paths);
  const claim = await services.artifacts.sealClaim(paths, "cancelled");
  if (claim.by === "build") {
    await adopt(services, record, services.builds.refOf(claim.buildId));
    return;
  }
  const message = "Cancelled before an agent started.";
  await settle(services, record, {
    settlement: { verdict: { outcome: "cancelled", message, deniedTools: [] } },
    liveBuild: record.state.build,
  });
}

/**
 * Brings a run forward from what its build and its objects say. Does nothing to a build that is live,
 * except to notice that it has claimed the attempt.
 *
 * @returns the build as it is now; undefined if Cloud Build does not know it
 */
export async function followBuild(
  services: Services,
  record: RunRecord,
  ref: BuildRef,
): Promise<BuildView | undefined> {
  const build = await services.builds.get(ref);
  if (build !== undefined && !isOver(build.status)) {
    await noticeClaim(services, record, build);
    return build;
  }
  await settleEnded(services, record, { ref, build });
  return build;
}

async function noticeClaim(services: Services, record: RunRecord, build: BuildView): Promise<void> {
  if (record.state.phase === "submitting") {
    const { attempt } = record.state;
    await applyEvent(services, record.run.id, { type: "submitted", attempt, build: build.ref });
  }
  if (build.status !== "WORKING" || record.state.phase === "running") return;
  const claim = await services.artifacts.claimOf(pathsOf(record));
  if (claim?.by === "build") await adopt(services, record, services.builds.refOf(claim.buildId));
}

/** The attempt's build is over: whose claim is it, and what did it leave? */
async function settleEnded(
  services: Services,
  record: RunRecord,
  { ref, build }: { ref: BuildRef; build: BuildView | undefined },
): Promise<void> {
  const claim = await services.artifacts.sealClaim(pathsOf(record), "the build is over");
  if (claim.by === "build" && claim.buildId !== ref.id) {
    // This build came second and decides nothing: the attempt belongs to the other.
    await adopt(services, record, services.builds.refOf(claim.buildId));
    return;
  }
  const settlement =
    claim.by === "build"
      ? await settlementOf(services, record, build)
      : { verdict: verdictWithoutResult(build) };
  await settle(services, record, { settlement, liveBuild: null });
}

/** The claim is this build's, so the attempt is. */
export async function adopt(services: Services, record: RunRecord, build: BuildRef): Promise<void> {
  const { attempt } = record.state;
  await applyEvent(services, record.run.id, { type: "claimed", attempt, build });
}

/** Ends the attempt that `record` is in, with fresh names for one that may follow. */
export async function settle(
  services: Services,
  record: RunRecord,
  { settlement, liveBuild }: { settlement: Settlement; liveBuild: BuildRef | null },
): Promise<void> {
  await applyEvent(services, record.run.id, {
    type: "settled",
    attempt: record.state.attempt,
    settlement,
    liveBuild,
    next: { nonce: newNonce(services.random), sessionId: newUuid(services.random) },
  });
}
