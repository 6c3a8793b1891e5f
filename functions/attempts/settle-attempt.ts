import type { BuildRef } from "../../shared/attempt/build-view.ts";
import {
  type BuildView,
  buildRef,
  isOver,
  parentOfBuild,
} from "../../shared/attempt/build-view.ts";
import { runPrefix } from "../../shared/documents/attempt.ts";
import { newNonce, newUuid } from "../../shared/ids.ts";
import type { Effect, RunEvent, RunRecord, SettledEvent } from "../../shared/run/record.ts";
import { next } from "../../shared/run/run.ts";
import { refused } from "../../shared/run/transition.ts";
import { aboutRun, describeError } from "../log.ts";
import type { Transacted } from "../services/runs.ts";
import type { Services } from "../services/services.ts";
import { admitWaiting } from "./admit.ts";
import { endedBuild, pathsOf, settlementOf, verdictWithoutAgent } from "./attempt-outcome.ts";
import { tellChanges } from "./tell-changes.ts";

/** What was decided on an event, and the run after it. */
type Applied = Transacted;

/**
 * Applies an event to a run in a transaction, then does what the decision asks for.
 *
 * @param to a run's id; or a run as it was read, where the event comes of that: it is refused by
 * another one that has its id since that was deleted
 * @returns undefined if there is no such run
 */
export function applyEvent(
  services: Services,
  to: string | RunRecord,
  event: RunEvent,
): Promise<Applied | undefined> {
  return applyEventOf(services, to, () => event);
}

/**
 * {@link applyEvent} for an event that depends on the run, or that not everybody may cause.
 *
 * @param eventOf makes it for the run as the transaction has read it; if it throws, nothing is
 * decided or done
 */
export async function applyEventOf(
  services: Services,
  to: string | RunRecord,
  eventOf: (record: RunRecord) => RunEvent,
): Promise<Applied | undefined> {
  const from = services.now();
  const [id, writer] = typeof to === "string" ? [to] : [to.run.id, to.state.writer];
  let decided: { event: RunEvent; before: RunRecord } | undefined;
  const transacted = await services.runs.transact(id, (record, now) => {
    const event = eventOf(record);
    decided = { event, before: record };
    const isAnother = writer !== undefined && record.state.writer !== writer;
    return isAnother ? refused("that was of a run before this one") : next(record, event, now);
  });
  if (transacted === undefined || decided === undefined) return undefined;
  const { record } = transacted;
  const outcome = transacted.changed ? record.run.status : `refused: ${transacted.reason}`;
  const { type } = decided.event;
  const isQuiet = type === "progress" || type === "told";
  if (!isQuiet) services.log("INFO", `${type}: ${outcome}`, aboutRun(record));
  if (transacted.changed) services.telemetry.committed({ ...decided, made: transacted, from });
  for (const effect of transacted.effects) await perform(services, record, effect);
  return transacted;
}

async function perform(services: Services, record: RunRecord, effect: Effect): Promise<void> {
  switch (effect.type) {
    case "publish":
      await services.publisher.publishAttempt(
        { runId: record.run.id, attempt: record.state.attempt },
        record.state.trace,
      );
      return;
    case "publishTurn":
      await services.publisher.publishAttempt({ runId: effect.runId, attempt: 1 }, effect.trace);
      return;
    case "cancelBuild":
      await cancelOwn(services, record, effect.build);
      return;
    case "admit":
      await admit(services, effect.machineType);
      return;
    case "stopAttempt":
      await stopAttempt(services, record);
      return;
    case "tell":
      await orLeft(services, ["not told", record], () => tellNow(services, record));
      return;
    case "deliver":
      await orLeft(services, ["not asked for", record], () =>
        services.publisher.publishRunDelivery({ runId: record.run.id }),
      );
      return;
  }
}

/** Publishes what is owed; of a Pub/Sub that is away it leaves that to the sweep. */
async function orLeft(
  { log }: Services,
  [what, record]: [string, RunRecord],
  publish: () => Promise<void>,
): Promise<void> {
  try {
    await publish();
  } catch (error) {
    log("WARNING", `${what}, the sweep does it: ${describeError(error)}`, aboutRun(record));
  }
}

/** Tells of a run's changes of status. */
export const tellNow = (services: Services, record: RunRecord): Promise<void> =>
  tellChanges(services, record, (event) => applyEvent(services, record, event));

/** Gives what is free to those who wait. */
export const admit = (services: Services, machineType: string): Promise<void> =>
  admitWaiting(services, machineType, (record, event) => applyEvent(services, record, event));

/** A report names its build, and whoever may report for one run shall not end another's. */
async function cancelOwn(
  { artifacts, builds }: Services,
  { run }: RunRecord,
  ref: BuildRef,
): Promise<void> {
  const build = await builds.get(ref);
  const isOwn = build?.input.startsWith(artifacts.uriOf(runPrefix(run.id)));
  if (build && isOwn && !isOver(build.status)) await builds.cancel(ref);
}

/**
 * Ends an attempt whose run is being cancelled. Tells the runner; if no runner has claimed the
 * attempt none ever will after this, and the attempt is over at once.
 */
export async function stopAttempt(services: Services, record: RunRecord): Promise<void> {
  const paths = pathsOf(record);
  await services.artifacts.markCancel(paths);
  const claim = await services.artifacts.sealClaim(paths, "cancelled");
  if (claim.by === "build") {
    await adopt(services, record, claimantOf(services, record, claim));
    return;
  }
  const message = "Cancelled before an agent started.";
  const { build, leaseUntil } = record.state;
  await settle(services, record, {
    settlement: { verdict: { outcome: "cancelled", message, deniedTools: [] }, spentUsd: 0 },
    // Somebody may be creating it at this moment.
    liveBuild: build ?? (leaseUntil === null ? null : "unknown"),
  });
}

/** The build that a claim of the run's attempt names: where it is, the run knows. */
export function claimantOf(
  { builds }: Services,
  { state }: RunRecord,
  { buildId }: { buildId: string },
): BuildRef {
  const known = state.build && parentOfBuild(state.build);
  return buildRef(state.parent ?? known ?? builds.parent, buildId);
}

/** A run as it was at an instant of the database's clock. */
export interface Read {
  record: RunRecord;
  now: Date;
  /**
   * Whether no build of the attempt can be live any more, whatever Cloud Build says. Default: it
   * can.
   */
  isPast?: boolean;
}

/**
 * Brings a run forward from what its build and its objects say. Does nothing to a build that is
 * live, except to notice that it has claimed the attempt; nor to one that Cloud Build does not
 * know, which may yet come in sight, before its hard limit has passed.
 *
 * @returns the build as it is now; undefined if Cloud Build does not know it
 */
export async function followBuild(
  services: Services,
  read: Read,
  ref: BuildRef,
): Promise<BuildView | undefined> {
  const { record } = read;
  const build = await services.builds.get(ref);
  if (build !== undefined && !isOfAttempt(services, record, build)) {
    // It is of a run that had this one's id before, and was deleted; or of somebody else.
    await cancelOwn(services, record, ref);
    return build;
  }
  if (build !== undefined && !isOver(build.status)) {
    await noticeClaim(services, record, build);
    return build;
  }
  if (build !== undefined || read.isPast) await settleEnded(services, read, { ref, build });
  return build;
}

const isOfAttempt = (
  { artifacts }: Services,
  record: RunRecord,
  { ref, input }: BuildView,
): boolean =>
  record.state.build?.name === ref.name ||
  input.startsWith(artifacts.uriOf(pathsOf(record).prefix));

async function noticeClaim(services: Services, record: RunRecord, build: BuildView): Promise<void> {
  if (record.state.phase === "submitting") {
    const { attempt } = record.state;
    await applyEvent(services, record, { type: "submitted", attempt, build: build.ref });
  }
  if (build.status !== "WORKING" || record.state.phase === "running") return;
  const claim = await services.artifacts.claimOf(pathsOf(record));
  if (claim?.by === "build") await adopt(services, record, claimantOf(services, record, claim));
  else if (claim === undefined) await noticeStart(services, record, build);
}

async function noticeStart(
  services: Services,
  record: RunRecord,
  { ref, startedAt }: BuildView,
): Promise<void> {
  const { attempt, workingAt } = record.state;
  if (startedAt === null || workingAt !== null) return;
  await applyEvent(services, record, { type: "working", attempt, build: ref, since: startedAt });
}

/** The attempt's build is over: whose claim is it, and what did it leave? */
async function settleEnded(
  services: Services,
  { record, now }: Read,
  { ref, build }: { ref: BuildRef; build: BuildView | undefined },
): Promise<void> {
  const { artifacts } = services;
  const own = record.state.build;
  // Somebody else's build, made by the console: unless it has the claim, the run waits for its own.
  const isOther = own !== null && own.name !== ref.name;
  const claim = isOther
    ? await artifacts.claimOf(pathsOf(record))
    : await artifacts.sealClaim(pathsOf(record), "the build is over");
  if (claim === undefined) return;
  if (claim.by === "build" && claim.buildId !== ref.id) {
    // This build came second and decides nothing: the attempt belongs to the other.
    await adopt(services, record, claimantOf(services, record, claim));
    return;
  }
  const hadAgent = claim.by === "build";
  const settlement = hadAgent
    ? await settlementOf(services, record, endedBuild(record, { build, now }))
    : { verdict: verdictWithoutAgent(services, build), spentUsd: 0 };
  const claimant = hadAgent ? ref : null;
  await settle(services, record, { settlement, build: claimant, ended: ref, liveBuild: null });
}

/** The claim is this build's, so the attempt is. */
export async function adopt(services: Services, record: RunRecord, build: BuildRef): Promise<void> {
  const { attempt } = record.state;
  await applyEvent(services, record, { type: "claimed", attempt, build });
}

type Settling = { build?: BuildRef | null; ended?: BuildRef | null } & Pick<
  SettledEvent,
  "settlement" | "liveBuild"
>;

/** Ends the attempt that `record` is in, with fresh names for one that may follow. */
export async function settle(
  services: Services,
  record: RunRecord,
  { settlement, build = null, ended = null, liveBuild }: Settling,
): Promise<void> {
  await applyEvent(services, record, {
    type: "settled",
    attempt: record.state.attempt,
    settlement,
    build,
    ended,
    liveBuild,
    next: {
      nonce: newNonce(services.random),
      sessionId: newUuid(services.random),
      chance: services.chance(),
    },
  });
}
