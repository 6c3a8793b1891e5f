import type { BuildRef } from "../../shared/attempt/build-view.ts";
import { type BuildView, isOver } from "../../shared/attempt/build-view.ts";
import { TIMING } from "../../shared/limits.ts";
import type { RunRecord } from "../../shared/run/record.ts";
import { after } from "../../shared/run/transition.ts";
import { describeError } from "../log.ts";
import type { Services } from "../services/services.ts";
import { pathsOf } from "./attempt-outcome.ts";
import { adopt, applyEvent, followBuild, settle, stopAttempt } from "./settle-attempt.ts";

/** Runs that one sweep looks at, and how many at the same time. */
const PAGE = 500;
const WIDTH = 16;

/** How many due runs a sweep has moved, and how many it could not. */
export interface Swept {
  visited: number;
  failed: number;
}

/**
 * Visits every run that is due, whatever the messages did. Each visit stands by itself: one that fails
 * is logged, stays due, and is tried by the next sweep. Two sweeps at once do no harm.
 */
export async function sweep(services: Services): Promise<Swept> {
  const due = await services.runs.listDue(services.now(), PAGE);
  const queue = due.values();
  let failed = 0;
  const worker = async () => {
    for (const runId of queue) {
      try {
        await visit(services, runId);
      } catch (error) {
        failed += 1;
        services.log("ERROR", `sweep: ${describeError(error)}`, { runId });
      }
    }
  };
  await Promise.all(Array.from({ length: WIDTH }, worker));
  if (due.length > 0) services.log("INFO", "sweep", { visited: due.length, failed });
  return { visited: due.length, failed };
}

async function visit(services: Services, runId: string): Promise<void> {
  const record = await services.runs.getRecord(runId);
  const dueAt = record?.state.dueAt;
  if (!record || !dueAt || dueAt > services.now()) return;
  switch (record.state.phase) {
    case "pending":
      return visitPending(services, record);
    case "submitting":
      return visitSubmitting(services, record);
    case "cancelling":
      return visitCancelling(services, record);
    case "queued":
    case "running":
      return visitBuild(services, record);
    case "succeeded":
    case "failed":
    case "timed_out":
    case "cancelled":
    case "expired":
      return visitObligation(services, record);
  }
}

/** The message was lost, or nobody has come to it yet. */
async function visitPending(services: Services, record: RunRecord): Promise<void> {
  // The end of the turn before it wakes it, in the same commit.
  if (record.state.waitsForTurn) return postpone(services, record, TIMING.turnDue);
  await postpone(services, record, TIMING.pendingDue);
  const { attempt } = record.state;
  await services.publisher.publishAttempt({ runId: record.run.id, attempt });
}

/** The lease is over and no build is known of: either one has the claim, or none ever will. */
async function visitSubmitting(services: Services, record: RunRecord): Promise<void> {
  const claim = await services.artifacts.sealClaim(pathsOf(record), "the lease is over");
  if (claim.by === "build") {
    await adopt(services, record, services.builds.refOf(claim.buildId));
    return;
  }
  const message = "It is not known whether Cloud Build took the build; it was replaced.";
  await settle(services, record, {
    settlement: { verdict: { outcome: "submission_lost", message, deniedTools: [] } },
    liveBuild: null,
  });
}

async function visitBuild(services: Services, record: RunRecord): Promise<void> {
  const ref = record.state.build;
  if (ref === null) throw new Error(`${record.state.phase} without a build`);
  const build = await followBuild(services, record, ref);
  if (build === undefined || isOver(build.status)) return;
  const { deadlineAt } = record.state;
  const isOverdue = deadlineAt === null || deadlineAt <= services.now();
  if (isOverdue) await endOverdue(services, record, build);
  else await postpone(services, record, TIMING.grace);
}

/** A live build past its hard limit: it must end, and an agent that has not started never shall. */
async function endOverdue(services: Services, record: RunRecord, build: BuildView): Promise<void> {
  const claim = await services.artifacts.sealClaim(pathsOf(record), "overdue");
  if (claim.by === "seal") {
    const message = "Cloud Build did not start the build in time.";
    await settle(services, record, {
      settlement: { verdict: { outcome: "build_expired", message, deniedTools: [] } },
      liveBuild: build.ref,
    });
    return;
  }
  await postpone(services, record, TIMING.cancelStep);
  await services.builds.cancel(services.builds.refOf(claim.buildId));
}

async function visitCancelling(services: Services, record: RunRecord): Promise<void> {
  await stopAttempt(services, record);
  const current = await services.runs.getRecord(record.run.id);
  if (current?.state.phase !== "cancelling" || current.state.build === null) return;
  const build = await followBuild(services, current, current.state.build);
  if (build === undefined || isOver(build.status)) return;
  await postpone(services, current, TIMING.cancelStep);
  await cancelAfterGrace(services, current, build.ref);
}

async function cancelAfterGrace(
  services: Services,
  { state }: RunRecord,
  build: BuildRef,
): Promise<void> {
  const asked = state.cancelRequestedAt;
  if (asked !== null && services.now() >= after(asked, TIMING.cancelGrace)) {
    await services.builds.cancel(build);
  }
}

/** The run is over, its build perhaps not. */
async function visitObligation(services: Services, record: RunRecord): Promise<void> {
  const ref = record.state.build;
  const build = ref === null ? undefined : await services.builds.get(ref);
  if (build === undefined || isOver(build.status)) {
    await applyEvent(services, record.run.id, { type: "buildOver" });
    return;
  }
  await postpone(services, record, TIMING.cancelStep);
  await services.builds.cancel(build.ref);
}

async function postpone(services: Services, record: RunRecord, seconds: number): Promise<void> {
  const until = after(services.now(), seconds);
  await applyEvent(services, record.run.id, { type: "postponed", until });
}
