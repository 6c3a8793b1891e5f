import type { BuildRef } from "../attempt/build-view.ts";
import { lineIdOf, partsOf } from "../capacity/line.ts";
import type { SlotChange, SlotEvent } from "../capacity/slot.ts";
import { after } from "../clock.ts";
import { buildTimeoutSeconds, CAPACITY, TIMING } from "../limits.ts";
import type { Effect, RunEvent, RunRecord, Transition } from "./record.ts";
import { move, refused, stay } from "./transition.ts";

const WAITING = "Waiting for a build slot";

/** What happens to the attempt's slot; undefined: it has none. */
export function slotOf({ run, state }: RunRecord, event: SlotEvent): SlotChange | undefined {
  if (state.slot === null) return undefined;
  return { id: state.slot, holder: { runId: run.id, attempt: state.attempt }, event };
}

/** When a build of the run that was created at `now` has ended, whatever became of it. */
export const overAt = ({ state: { timeoutSeconds } }: RunRecord, now: Date): Date =>
  after(now, TIMING.queueTtl + buildTimeoutSeconds(timeoutSeconds) + TIMING.grace);

/** When a build that meets a sealed claim has ended, if it was created by `now`. */
export const strayOverAt = (now: Date): Date =>
  after(now, TIMING.createBuildDeadline + TIMING.queueTtl + TIMING.buildSetup + TIMING.grace);

/** The build of the attempt's slot is known now. */
export const slotOfBuild = (record: RunRecord, build: BuildRef, now: Date) =>
  slotOf(record, { type: "submitted", build, overAt: overAt(record, now) });

/** What the end of an attempt makes room for. */
export const admitting = ({ state: { slot, machineType } }: RunRecord): Effect[] =>
  slot === null ? [] : [{ type: "admit", machineType }];

/** Why the attempt cannot be submitted now; undefined: it can. */
function hindrance({ state }: RunRecord, now: Date): string | undefined {
  if (state.phase !== "pending") return `the attempt is ${state.phase} already`;
  if (state.waitsForTurn) return "the turn before this one is not over";
  if (state.notBefore !== null && now < state.notBefore) return "the attempt waits for its backoff";
  return state.line === null ? undefined : "the attempt waits for a slot";
}

/** @param cause why nobody may get one; undefined: others have them */
export function onPark(record: RunRecord, cause: string | undefined, now: Date): Transition {
  const { slot, machineType } = record.state;
  const hindered = slot === null ? hindrance(record, now) : "the attempt has a slot";
  if (hindered !== undefined) return refused(hindered);
  return stay(record, {
    now,
    run: { why: cause === undefined ? `${WAITING}.` : `${WAITING}: ${cause}.` },
    state: inLine(record, now),
    effects: [{ type: "admit", machineType }],
  });
}

const inLine = ({ run, state }: RunRecord, now: Date) => ({
  line: lineIdOf(state.machineType, run.owner),
  notBefore: null,
  dueAt: after(now, CAPACITY.waiting),
});

export function onAdmit(record: RunRecord, slot: string, now: Date): Transition {
  const { phase, line, attempt } = record.state;
  if (phase !== "pending" || line === null) return refused("the attempt does not wait");
  const { ownerHash } = partsOf(line);
  return stay(record, {
    now,
    run: { why: "Waiting to be submitted to Cloud Build." },
    state: { line: null, slot, dueAt: after(now, CAPACITY.submission) },
    slot: {
      id: slot,
      holder: { runId: record.run.id, attempt },
      event: { type: "take", ownerHash },
    },
    effects: [{ type: "publish" }],
  });
}

export function onLease(
  record: RunRecord,
  event: Extract<RunEvent, { type: "lease" }>,
  now: Date,
): Transition {
  const { slot: own, input, progressTokenHash, machineType, attempt } = record.state;
  const hindered = hindrance(record, now);
  if (hindered !== undefined) return refused(hindered);
  const { id, target, parent } = event.slot;
  if (own !== null && own !== id) return refused("the attempt has another slot");
  const leaseUntil = after(now, TIMING.lease);
  const { ownerHash } = partsOf(lineIdOf(machineType, record.run.owner));
  return move(record, "submitting", {
    now,
    cause: "submitting to Cloud Build",
    state: {
      leaseTaken: true,
      leaseUntil,
      notBefore: null,
      // An input that is there already has the token of the submission that made it.
      progressTokenHash: input === null ? event.progressTokenHash : progressTokenHash,
      submissionTrace: event.trace ?? null,
      slot: id,
      parent,
      dueAt: leaseUntil,
    },
    slot: {
      id,
      holder: { runId: record.run.id, attempt },
      event: own === null ? { type: "take", ownerHash } : { type: "lease" },
    },
    creates: target,
  });
}

export function onDeferred(
  record: RunRecord,
  event: Extract<RunEvent, { type: "deferred" }>,
  now: Date,
): Transition {
  if (record.state.phase !== "submitting") return refused(`the attempt is ${record.state.phase}`);
  const { deniedSince } = record.state;
  return move(record, "pending", {
    now,
    cause: event.cause,
    why: `${WAITING}: ${event.cause}.`,
    state: {
      ...inLine(record, now),
      leaseUntil: null,
      slot: null,
      parent: null,
      input: event.input,
      deniedSince: event.denied ? (deniedSince ?? now) : null,
    },
    slot: slotOf(record, { type: "over", build: null }),
    effects: admitting(record),
  });
}
