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
 * - `pending`: accepted, nobody holds this attempt. Left by a lease or a cancel. A turn that waits for
 *   the one before it (`waitsForTurn`) gets no lease until that has ended.
 * - `submitting`: one submit-build holds a lease; a build may or may not exist. Left when the build's
 *   name is stored, when Cloud Build refuses for now (back to `pending`), or when the lease is over and
 *   the attempt has been sealed.
 * - `queued`: Cloud Build has the build. Left when the claim is the build's, or the build is over.
 * - `running`: the claim is the build's. Left when the attempt is settled.
 * - `cancelling`: cancel accepted, the attempt not yet settled.
 * - `succeeded`, `failed`, `timed_out`, `cancelled`, `expired`: final. The first one wins.
 */

import type { BuildRef } from "../attempt/build-view.ts";
import type { AgentEvent, ReportedEvent } from "../documents/event.ts";
import type { Session } from "../documents/session.ts";
import { buildTimeoutSeconds, RUN_LIMITS, TIMING } from "../limits.ts";
import type { Effect, RunEvent, RunRecord, RunState, Transition } from "./record.ts";
import { onSettled } from "./settle.ts";
import { after, move, refused, stay } from "./transition.ts";

/** Computes what `event` does to a run at `now`, the read time of the transaction that asks. */
export function next(record: RunRecord, event: RunEvent, now: Date): Transition {
  if ("attempt" in event && event.attempt !== record.state.attempt) return stale(record, event);
  if (record.run.done && event.type !== "buildOver" && event.type !== "postponed") {
    return refused(`the run is over (${record.run.status})`, strays(event));
  }
  switch (event.type) {
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
    case "turn":
      return onTurn(record, event.restore, now);
    case "cancel":
      return onCancel(record, now);
    case "settled":
      return onSettled(record, event, now);
    case "buildOver":
      return onBuildOver(record, now);
    case "postponed":
      return onPostponed(record, event.until, now);
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

function onLease(
  record: RunRecord,
  event: Extract<RunEvent, { type: "lease" }>,
  now: Date,
): Transition {
  const { phase, notBefore, waitsForTurn } = record.state;
  if (phase !== "pending") return refused(`the attempt is ${phase} already`);
  if (waitsForTurn) return refused("the turn before this one is not over");
  if (notBefore !== null && now < notBefore) return refused("the attempt waits for its backoff");
  const leaseUntil = after(now, TIMING.lease);
  return move(record, "submitting", {
    now,
    cause: "submitting to Cloud Build",
    state: {
      leaseTaken: true,
      leaseUntil,
      notBefore: null,
      progressTokenHash: event.progressTokenHash,
      dueAt: leaseUntil,
    },
  });
}

function onDeferred(
  record: RunRecord,
  event: Extract<RunEvent, { type: "deferred" }>,
  now: Date,
): Transition {
  if (record.state.phase !== "submitting") return refused(`the attempt is ${record.state.phase}`);
  return move(record, "pending", {
    now,
    cause: event.cause,
    why: `Waiting to be submitted again: ${event.cause}.`,
    state: { leaseUntil: null, notBefore: event.until, dueAt: event.until },
  });
}

function onSubmitted(record: RunRecord, build: BuildRef, now: Date): Transition {
  const { phase, build: known } = record.state;
  if (phase === "submitting") {
    return move(record, "queued", {
      now,
      cause: `build ${build.id}`,
      state: { build, leaseUntil: null, ...deadline(now, TIMING.queueTtl) },
    });
  }
  if (phase === "cancelling" && known === null) {
    return stay(record, {
      now,
      state: { build, leaseUntil: null },
      effects: [{ type: "stopAttempt" }],
    });
  }
  if (known?.id === build.id) return refused("the build is known");
  return refused(`the attempt is ${phase}`, [{ type: "cancelBuild", build }]);
}

function onClaimed(record: RunRecord, build: BuildRef, now: Date): Transition {
  const { phase, build: known } = record.state;
  // Even from `pending`: Cloud Build said no to this attempt, and ran it after all.
  if (phase !== "running" && phase !== "cancelling") return startRunning(record, build, now);
  if (known?.id === build.id) return refused("the claim is known");
  return stay(record, { now, state: { build, leaseUntil: null } });
}

function startRunning(record: RunRecord, build: BuildRef, now: Date): Transition {
  const limit = buildTimeoutSeconds(record.state.timeoutSeconds);
  return move(record, "running", {
    now,
    cause: `build ${build.id} has the claim`,
    state: { build, leaseUntil: null, notBefore: null, ...deadline(now, limit) },
  });
}

function onProgress(
  record: RunRecord,
  event: Extract<RunEvent, { type: "progress" }>,
  now: Date,
): Transition {
  const last = record.run.progress?.at;
  const isTooRecent =
    last !== undefined && now.getTime() - last.getTime() < TIMING.progressInterval * 500;
  const news = newEvents(record.state, event.events);
  if (isTooRecent && news.events.length === 0) return refused("the last progress is too recent");
  const progress = { text: event.text, turn: event.turn, at: now };
  const change = {
    now,
    ...(!isTooRecent && { run: { progress } }),
    state: { reported: news.reported },
    events: news.events,
  };
  const started = onClaimed(record, event.build, now);
  if (!started.changed) return stay(record, change);
  const both = stay(started.record, change);
  if (!both.changed) return both;
  // One commit, so one version.
  const state = { ...both.record.state, version: started.record.state.version };
  return {
    ...started,
    record: { run: both.record.run, state },
    events: [...started.events, ...both.events],
  };
}

/** What of a report is new, within what a run may have; the last event before the limit says so. */
function newEvents(
  { events, reported }: RunState,
  report: readonly ReportedEvent[],
): { events: AgentEvent[]; reported: number } {
  const unknown = report.filter(({ number }) => number > reported);
  const room = Math.max(0, RUN_LIMITS.events - events);
  const taken = unknown.slice(0, room).map(({ event }) => event);
  if (unknown.length > taken.length && taken.length > 0) {
    taken[taken.length - 1] = { type: "text", text: "(This run's later events are left out.)" };
  }
  return { events: taken, reported: Math.max(reported, ...unknown.map(({ number }) => number)) };
}

function onTurn(record: RunRecord, restore: Session | null, now: Date): Transition {
  if (!record.state.waitsForTurn) return refused("the run waits for no turn");
  return move(record, "pending", {
    now,
    cause: "the turn before this one is over",
    state: { waitsForTurn: false, restore, dueAt: after(now, TIMING.pendingDue) },
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
      state: { cancelRequestedAt: now, dueAt: null },
    });
  }
  return move(record, "cancelling", {
    now,
    cause: "cancel requested",
    state: { cancelRequestedAt: now, dueAt: after(now, TIMING.cancelStep) },
    effects: [{ type: "stopAttempt" }],
  });
}

function onBuildOver(record: RunRecord, now: Date): Transition {
  if (!record.run.done) return refused(`the run is ${record.state.phase}`);
  if (record.state.obligations.length === 0) return refused("the run owes nothing");
  return stay(record, { now, state: { obligations: [], dueAt: null } });
}

function onPostponed(record: RunRecord, until: Date, now: Date): Transition {
  if (record.state.dueAt === null) return refused("the run is over and owes nothing");
  return stay(record, { now, state: { dueAt: until } });
}

function deadline(now: Date, seconds: number): Pick<RunState, "deadlineAt" | "dueAt"> {
  const deadlineAt = after(now, seconds + TIMING.grace);
  return { deadlineAt, dueAt: deadlineAt };
}
