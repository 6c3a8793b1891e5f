/**
 * The run's state machine, pure. The words, used everywhere in this project:
 *
 * - **run**: one accepted request to execute an agent on a prompt; the document `runs/{id}`.
 * - **attempt**: one try of a run, numbered from 1, with a random nonce in each of its paths.
 * - **build**: the Cloud Build build that executes an attempt.
 * - **claim**: the object that decides whether an attempt's agent may start.
 * - **manifest**: the object that decides an attempt's result.
 * - **verdict**: what really happened, computed from the manifest.
 * - **conversation**: an ordered list of runs, its turns, that continue one agent session.
 * - **owner**: the authenticated principal that a run belongs to.
 *
 * The phases; a client sees `submitting` as `pending`:
 *
 * - `pending`: accepted, nobody holds this attempt. Left by a lease or a cancel. A turn that waits
 *   for the one before it (`waitsForTurn`) gets no lease until that has ended.
 * - `submitting`: one submit-build holds a lease; a build may or may not exist. Left when the
 *   build's name is stored, when Cloud Build refuses for now (back to `pending`), or when the lease
 *   is over and the attempt has been sealed.
 * - `queued`: Cloud Build has the build. Left when the claim is the build's, or the build is over.
 * - `running`: the claim is the build's. Left when the attempt is settled.
 * - `cancelling`: cancel accepted, the attempt not yet settled.
 * - `succeeded`, `failed`, `timed_out`, `cancelled`, `expired`: final. The first one wins.
 */

import { after } from "../clock.ts";
import type { Session } from "../documents/session.ts";
import { TIMING } from "../limits.ts";
import { onClaimed, onSubmitted, onWorking } from "./build-events.ts";
import { onDelivery } from "./delivering.ts";
import { onProgress } from "./progress.ts";
import type { Effect, RunEvent, RunRecord, RunState, Transition } from "./record.ts";
import { onSettled } from "./settle.ts";
import { admitting, onAdmit, onDeferred, onLease, onPark, slotOf } from "./submission.ts";
import { toldUpTo } from "./telling.ts";
import { move, refused, stay } from "./transition.ts";
import { onPullRequest } from "./watching.ts";

/** Events that a run may still have when it is over. */
const OF_ENDED_RUNS: readonly RunEvent["type"][] = [
  "buildOver",
  "delivered",
  "deliveryAsked",
  "deliveryPutOff",
  "deliveryTaken",
  "placed",
  "postponed",
  "pullRequestAsked",
  "pullRequestPutOff",
  "pullRequestSeen",
  "told",
  "visitFailed",
];

/** Computes what `event` does to a run at `now`, the read time of the transaction that asks. */
export function next(record: RunRecord, event: RunEvent, now: Date): Transition {
  if ("attempt" in event && event.attempt !== record.state.attempt) return stale(record, event);
  if (record.run.done && !OF_ENDED_RUNS.includes(event.type)) {
    return refused(`the run is over (${record.run.status})`, strays(event));
  }
  switch (event.type) {
    case "park":
      return onPark(record, event.cause, now);
    case "admit":
      return onAdmit(record, event.slot, now);
    case "lease":
      return onLease(record, event, now);
    case "deferred":
      return onDeferred(record, event, now);
    case "submitted":
      return onSubmitted(record, event.build, now);
    case "claimed":
      return onClaimed(record, event.build, now);
    case "progress":
      return onProgress(record, event, now);
    case "working":
      return onWorking(record, event, now);
    case "turn":
      return onTurn(record, event.restore, now);
    case "cancel":
      return onCancel(record, now);
    case "settled":
      return onSettled(record, event, now);
    case "buildOver":
      return onBuildOver(record, now);
    case "placed":
      return onPlaced(record, event.in, now);
    case "told":
      return onTold(record, event.version, now);
    case "postponed":
      return onPostponed(record, { dueAt: after(now, event.seconds) }, now);
    case "visitFailed":
      return onVisitFailed(record, now);
    case "deliveryTaken":
    case "deliveryAsked":
    case "deliveryPutOff":
    case "delivered":
      return onDelivery(record, event, now);
    case "pullRequestAsked":
    case "pullRequestPutOff":
    case "pullRequestSeen":
      return onPullRequest(record, event, now);
    case "finished":
      return onPostponed(record, { dueAt: after(now, TIMING.finished) }, now);
  }
}

/** What a refusal for a wrong attempt or a finished run still asks for: its live build must end. */
function strays(event: RunEvent): Effect[] {
  if (event.type === "submitted" || event.type === "claimed" || event.type === "progress") {
    return [{ type: "cancelBuild", build: event.build }];
  }
  return [];
}

function stale(record: RunRecord, event: RunEvent & { attempt: number }): Transition {
  return refused(
    `attempt ${event.attempt} is not the run's (${record.state.attempt})`,
    strays(event),
  );
}

function onTurn(record: RunRecord, restore: Session | null, now: Date): Transition {
  if (!record.state.waitsForTurn) return refused("the run waits for no turn");
  return move(record, "pending", {
    now,
    cause: "the turn before this one is over",
    state: {
      waitsForTurn: false,
      restore,
      waitsSince: now,
      dueAt: after(now, TIMING.pendingDue),
    },
  });
}

function onCancel(record: RunRecord, now: Date): Transition {
  const { phase, leaseTaken } = record.state;
  if (phase === "cancelling") return refused("cancel was asked for already");
  if (phase === "pending" && !leaseTaken) {
    return move(record, "cancelled", {
      now,
      cause: "cancelled before it was submitted",
      why: "Cancelled before an agent started.",
      run: { verdict: { outcome: "cancelled", deniedTools: [] } },
      state: { cancelRequestedAt: now, dueAt: null, line: null, slot: null },
      slot: slotOf(record, { type: "over", build: null }),
      effects: admitting(record),
    });
  }
  return move(record, "cancelling", {
    now,
    cause: "cancel requested",
    state: { cancelRequestedAt: now, dueAt: after(now, TIMING.cancelStep), line: null },
    effects: [{ type: "stopAttempt" }],
  });
}

function onBuildOver(record: RunRecord, now: Date): Transition {
  if (!record.run.done) return refused(`the run is ${record.state.phase}`);
  const { obligations, dueAt } = record.state;
  // An earlier revision, which does not know of telling, may leave one due that owes nothing.
  if (obligations.length === 0 && dueAt === null) return refused("the run owes nothing");
  return stay(record, { now, state: { obligations: [], dueAt: null } });
}

function onPlaced({ run, state }: RunRecord, where: "archive" | "list", now: Date): Transition {
  if (!run.done) return refused(`the run is ${state.phase}`);
  const archivedAt = where === "list" ? null : (run.archivedAt ?? now);
  if (archivedAt === run.archivedAt) return refused("it is there already");
  return stay({ run, state }, { now, run: { archivedAt } });
}

function onTold(record: RunRecord, version: number, now: Date): Transition {
  if (version <= record.state.told) return refused("that was told before");
  return stay(record, { now, state: { failedVisits: 0, ...toldUpTo(record, version) } });
}

function onPostponed(record: RunRecord, state: Partial<RunState>, now: Date): Transition {
  if (record.state.dueAt === null) return refused("the run is over and owes nothing");
  return stay(record, { now, state });
}

/** What cannot be visited is tried again and again, ever more seldom, and in nobody's way. */
function onVisitFailed(record: RunRecord, now: Date): Transition {
  const { dueAt, tellAt, delivery = null, watch = null, failedVisits } = record.state;
  const owed = delivery?.dueAt ? delivery : null;
  if ([dueAt, tellAt, owed, watch].every((one) => one === null))
    return refused("the run is over and owes nothing");
  const seconds = Math.min(TIMING.sweepInterval * 2 ** failedVisits, TIMING.maxVisitBackoff);
  const later = after(now, seconds);
  const state = {
    dueAt: dueAt && later,
    tellAt: tellAt && later,
    ...(owed && { delivery: { ...owed, dueAt: later } }),
    ...(watch && { watch: { ...watch, dueAt: later } }),
    failedVisits: Math.min(failedVisits + 1, 20),
  };
  return stay(record, { now, state });
}
