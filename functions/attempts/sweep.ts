import { type BuildRef, type BuildView, isOver } from "../../shared/attempt/build-view.ts";
import { after } from "../../shared/clock.ts";
import { resultsOf } from "../../shared/delivery/results.ts";
import { CAPACITY, TIMING } from "../../shared/limits.ts";
import type { RunRecord } from "../../shared/run/record.ts";
import { overAt } from "../../shared/run/submission.ts";
import { isOpen } from "../../shared/run/watched-pull-request.ts";
import { sweepDeliveries } from "../events/sweep-deliveries.ts";
import { sweepTriggers } from "../events/sweep-triggers.ts";
import { describeError } from "../log.ts";
import type { Services } from "../services/services.ts";
import { pathsOf } from "./attempt-outcome.ts";
import {
  admit,
  adopt,
  applyEvent,
  claimantOf,
  followBuild,
  type Read,
  settle,
  stopAttempt,
  tellNow,
} from "./settle-attempt.ts";
import { listsOf, visitSlot } from "./visit-slots.ts";
import { inParallel, type Sweep, type Swept, shuffled, visited } from "./visits.ts";

/**
 * Visits every run and every slot that is due, whatever the messages did, and gives free slots to
 * those who wait. Each visit stands by itself: one that fails is logged, and is tried again later
 * and later, so that it stands in nobody's way. Two sweeps at once share the work; what a sweep has
 * no time for is left to the next.
 */
export async function sweep(services: Services): Promise<Swept> {
  // What is due is decided by one clock, which is no instance's.
  const now = await services.runs.databaseTime();
  const swept: Swept = { visited: 0, failed: 0 };
  const until = after(services.now(), TIMING.handlerBudget);
  await Promise.all([
    sweepRuns(services, { now, until, swept }),
    sweepSlots(services, { now, swept }),
    sweepDeliveries(services, { now, until }),
    sweepTriggers(services, { now, until, swept }),
  ]);
  await admitAll(services);
  await tellWaiting(services);
  if (swept.visited > 0) services.log("INFO", "sweep", { ...swept });
  return swept;
}

async function sweepRuns(services: Services, { now, until, swept }: Sweep): Promise<void> {
  for await (const page of services.runs.due(now)) {
    const inTime = function* () {
      for (const id of shuffled(page, services.chance)) if (services.now() < until) yield id;
    };
    await inParallel(inTime(), (id) =>
      visited(services, { swept, fields: { runId: id } }, async () => {
        await visit(services, id);
      }).then((isDone) => (isDone ? undefined : backOff(services, id))),
    );
    if (services.now() >= until) return;
  }
}

async function sweepSlots(services: Services, { now, swept }: Omit<Sweep, "until">): Promise<void> {
  const slots = await services.capacity.dueSlots(now);
  const lists = listsOf(services);
  await inParallel(shuffled(slots, services.chance).values(), async (slot) => {
    await visited(services, { swept, fields: { slot: slot.id } }, () =>
      visitSlot(services, slot, { now, lists }),
    );
  });
}

async function admitAll(services: Services): Promise<void> {
  await fitSlots(services);
  for (const machineType of await services.capacity.machineTypesWaitedFor()) {
    await admit(services, machineType);
  }
}

/** That it cannot be told is no failure of the sweep. */
async function tellWaiting({ capacity, telemetry, log }: Services): Promise<void> {
  try {
    await telemetry.waiting(() => capacity.waitingRuns());
  } catch (error) {
    log("WARNING", `what waits is not told: ${describeError(error)}`);
  }
}

/**
 * Makes and retires slots where what a target may do was changed; of a machine type that was used
 * before.
 */
async function fitSlots({ capacity }: Services): Promise<void> {
  for (const target of await capacity.targets()) {
    for (const [machineType, made] of Object.entries(target.made)) {
      if (made !== (target.slots[machineType] ?? 0)) await capacity.makeSlots(target, machineType);
    }
  }
}

async function backOff(services: Services, runId: string): Promise<void> {
  try {
    await applyEvent(services, runId, { type: "visitFailed" });
  } catch (error) {
    services.log("ERROR", `sweep: ${describeError(error)}`, { runId });
  }
}

async function visit(services: Services, runId: string): Promise<void> {
  const read = await services.runs.read(runId);
  if (read === undefined) return;
  const isDue = (at: Date | null) => at !== null && at <= read.now;
  const { dueAt, tellAt, delivery, watch } = read.record.state;
  try {
    if (isDue(dueAt)) await visitDue(services, read);
  } finally {
    try {
      if (isDue(tellAt)) await tellOf(services, runId);
    } finally {
      if (isDue(delivery?.dueAt ?? null)) await askAgain(services, read.record);
      if (isDue(watch?.dueAt ?? null)) await lookAgain(services, read.record);
    }
  }
}

/** What the run changed is not delivered: its message was lost, or it may be tried again. */
async function askAgain(services: Services, record: RunRecord): Promise<void> {
  await applyEvent(services, record, { type: "deliveryAsked" });
  await services.publisher.publishRunDelivery({ runId: record.run.id });
}

/** Nobody has said for a while how the run's pull request is. */
async function lookAgain(services: Services, record: RunRecord): Promise<void> {
  await applyEvent(services, record, { type: "pullRequestAsked" });
  for (const { pullRequest } of resultsOf(record.run)) {
    if (!pullRequest || !isOpen(pullRequest)) continue;
    await services.publisher.publishRunDelivery({ pullRequest: pullRequest.url });
  }
}

/** Nobody has told of the run's changes of status, or noted that it did. */
async function tellOf(services: Services, runId: string): Promise<void> {
  const record = await services.runs.getRecord(runId);
  if (record !== undefined) await tellNow(services, record);
}

async function visitDue(services: Services, read: Read): Promise<void> {
  const { record } = read;
  switch (record.state.phase) {
    case "pending":
      return visitPending(services, record);
    case "submitting":
      return visitSubmitting(services, record);
    case "cancelling":
      return visitCancelling(services, read);
    case "queued":
    case "running":
      return visitBuild(services, read);
    case "succeeded":
    case "failed":
    case "timed_out":
    case "cancelled":
    case "expired":
      return visitObligation(services, read);
  }
}

/** The message was lost, or nobody has come to it yet. */
async function visitPending(services: Services, record: RunRecord): Promise<void> {
  // The end of the turn before it wakes it, in the same commit.
  if (record.state.waitsForTurn) return postpone(services, record, TIMING.turnDue);
  // Whoever frees a slot comes to it, and so does each sweep.
  if (record.state.line !== null) return postpone(services, record, CAPACITY.waiting);
  await postpone(services, record, TIMING.pendingDue);
  const { attempt, trace } = record.state;
  await services.publisher.publishAttempt({ runId: record.run.id, attempt }, trace);
}

/** The lease is over and no build is known of: either one has the claim, or none ever will. */
async function visitSubmitting(services: Services, record: RunRecord): Promise<void> {
  const claim = await services.artifacts.sealClaim(pathsOf(record), "the lease is over");
  if (claim.by === "build") {
    await adopt(services, record, claimantOf(services, record, claim));
    return;
  }
  const message = "It is not known whether Cloud Build took the build; it was replaced.";
  await settle(services, record, {
    settlement: { verdict: { outcome: "submission_lost", message, deniedTools: [] }, spentUsd: 0 },
    liveBuild: "unknown",
  });
}

async function visitBuild(services: Services, read: Read): Promise<void> {
  const { record, now } = read;
  const ref = record.state.build;
  if (ref === null) throw new Error(`${record.state.phase} without a build`);
  const { deadlineAt, phase } = record.state;
  const isOverdue = deadlineAt === null || deadlineAt <= now;
  // Of a build that has not started, a while after which it must have, only the claim says what is
  // true.
  const build = await followBuild(
    services,
    { ...read, isPast: isOverdue && phase === "running" },
    ref,
  );
  if (build !== undefined && isOver(build.status)) return;
  if (isOverdue) await endOverdue(services, record, { ref, build });
  else await postpone(services, record, TIMING.grace);
}

/** A build past its hard limit: it must end, and an agent that has not started never shall. */
async function endOverdue(
  services: Services,
  record: RunRecord,
  { ref, build }: { ref: BuildRef; build: BuildView | undefined },
): Promise<void> {
  // One that Cloud Build does not know is settled by then.
  if (build === undefined && record.state.phase === "running") return;
  const claim = await services.artifacts.sealClaim(pathsOf(record), "overdue");
  if (claim.by === "seal") {
    const message = "Cloud Build did not start the build in time.";
    await settle(services, record, {
      settlement: { verdict: { outcome: "build_expired", message, deniedTools: [] }, spentUsd: 0 },
      liveBuild: ref,
    });
    return;
  }
  const claimant = claimantOf(services, record, claim);
  if (record.state.phase !== "running") return adopt(services, record, claimant);
  await postpone(services, record, TIMING.cancelStep);
  await services.builds.cancel(claimant);
}

async function visitCancelling(services: Services, { record }: Read): Promise<void> {
  await stopAttempt(services, record);
  const current = await services.runs.read(record.run.id);
  if (current?.record.state.phase !== "cancelling") return;
  const { build: ref, cancelRequestedAt } = current.record.state;
  if (ref === null) return;
  const createdBy = after(cancelRequestedAt ?? current.now, TIMING.lease);
  const isPast = current.now >= overAt(current.record, createdBy);
  const build = await followBuild(services, { ...current, isPast }, ref);
  if (build !== undefined ? isOver(build.status) : isPast) return;
  await postpone(services, current.record, TIMING.cancelStep);
  await cancelAfterGrace(services, current, ref);
}

async function cancelAfterGrace(
  services: Services,
  { record: { state }, now }: Read,
  build: BuildRef,
): Promise<void> {
  const asked = state.cancelRequestedAt;
  if (asked !== null && now >= after(asked, TIMING.cancelGrace))
    await services.builds.cancel(build);
}

/**
 * The run is over, its build perhaps not: a run of before there were slots, or one that had none.
 */
async function visitObligation(services: Services, { record, now }: Read): Promise<void> {
  const ref = record.state.build;
  const build = ref === null ? undefined : await services.builds.get(ref);
  const isPast = now >= overAt(record, record.run.finishedAt ?? record.run.updatedAt);
  if (ref === null || (build === undefined ? isPast : isOver(build.status))) {
    await applyEvent(services, record, { type: "buildOver" });
    return;
  }
  await postpone(services, record, TIMING.cancelStep);
  await services.builds.cancel(ref);
}

async function postpone(services: Services, record: RunRecord, seconds: number): Promise<void> {
  await applyEvent(services, record, { type: "postponed", seconds });
}
