import type { SlotChange } from "../capacity/slot.ts";
import { after } from "../clock.ts";
import type { AgentEvent, Event, EventContent } from "../documents/event.ts";
import type { Run, RunStatus } from "../documents/run.ts";
import { RUN_LIMITS, TIMING } from "../limits.ts";
import { deliveryAtEnd } from "./owed-delivery.ts";
import type { Changed, Effect, Phase, RunRecord, RunState, Transition } from "./record.ts";
import { eventDaysOf } from "./retention.ts";

const WHY: Record<Phase, string> = {
  pending: "Waiting to be submitted to Cloud Build.",
  submitting: "Being submitted to Cloud Build.",
  queued: "Waiting for Cloud Build to start the build.",
  running: "The agent is working.",
  cancelling: "Cancelled; waiting for the agent to stop.",
  succeeded: "Done.",
  failed: "Failed.",
  timed_out: "Timed out.",
  cancelled: "Cancelled.",
  expired: "Expired.",
};

const FINAL: readonly Phase[] = ["succeeded", "failed", "timed_out", "cancelled", "expired"];

/** What a transition writes beside the phase. `why` defaults to the phase's own sentence. */
interface Change {
  /** Goes into the history. */
  cause: string;
  why?: string;
  run?: Partial<Run>;
  state?: Partial<RunState>;
  /** What the agent did meanwhile. */
  events?: readonly Happening[];
  slot?: SlotChange | undefined;
  creates?: string;
  effects?: Effect[];
}

/** The run in another phase, with an entry in its history. */
export function move(
  record: RunRecord,
  phase: Phase,
  { now, ...change }: Change & { now: Date },
): Changed {
  const version = record.state.version + 1;
  const status = publicStatus(phase);
  const done = FINAL.includes(phase);
  const entry = { version, status, at: now, cause: change.cause };
  const run: Run = {
    ...record.run,
    why: change.why ?? WHY[phase],
    ...change.run,
    status,
    done,
    history: longerHistory(record.run.history, entry),
    updatedAt: now,
    finishedAt: done ? now : null,
  };
  const isChange = status !== record.run.status;
  const tellAt = isChange ? after(now, TIMING.tell) : record.state.tellAt;
  const moved = { ...record.state, failedVisits: 0, ...change.state, phase, version, tellAt };
  const owed = done && moved.delivery ? deliveryAtEnd(run, moved.delivery, now) : undefined;
  const state = owed ? { ...moved, delivery: owed.delivery } : moved;
  Object.assign(run, owed?.run);
  const effects = [
    ...(change.effects ?? []),
    ...(isChange ? [TELL] : []),
    ...(owed?.delivery ? [DELIVER] : []),
  ];
  const said = [...(change.events ?? []), { type: "status", status, why: run.why } as const];
  return { ...withEvents({ run, state }, said, now), ...besides({ ...change, effects }) };
}

const TELL: Effect = { type: "tell" };
const DELIVER: Effect = { type: "deliver" };

/** Its first entry says when the run was accepted, and stays; of the others the latest do. */
function longerHistory(history: Run["history"], entry: Run["history"][number]): Run["history"] {
  const [first, ...rest] = [...history, entry];
  return first === undefined ? [] : [first, ...rest.slice(1 - RUN_LIMITS.historyEntries)];
}

/** What is written and done beside the run. */
function besides({ slot, creates, effects = [] }: Partial<Change>) {
  return { changed: true as const, ...(slot && { slot }), ...(creates && { creates }), effects };
}

/** The run in the same phase, changed in some other way. */
export function stay(
  record: RunRecord,
  { now, ...change }: Omit<Change, "cause"> & { now: Date },
): Changed {
  const state = { ...record.state, ...change.state, version: record.state.version + 1 };
  const run = change.run ? { ...record.run, ...change.run, updatedAt: now } : record.run;
  return { ...withEvents({ run, state }, change.events ?? [], now), ...besides(change) };
}

/** Something that happened, so long ago; by default now. */
export type Happening = EventContent | { event: AgentEvent; agoMs: number };

/** The record with its events counted, and their documents, each later than the one before. */
export function withEvents(
  { run, state }: RunRecord,
  happenings: readonly Happening[],
  now: Date,
): { record: RunRecord; events: Event[] } {
  const expireAt = after(now, eventDaysOf(state) * 24 * 3600);
  let lastMs = state.lastEventAt?.getTime() ?? 0;
  const events = happenings.map((happening, index): Event => {
    const { event, agoMs } = "type" in happening ? { event: happening, agoMs: 0 } : happening;
    lastMs = Math.max(now.getTime() - agoMs, lastMs + 1);
    return {
      id: `${state.attempt}-${String(state.events + index + 1).padStart(6, "0")}`,
      schemaVersion: 1,
      owner: run.owner,
      runId: run.id,
      at: new Date(lastMs),
      expireAt,
      event,
    };
  });
  const lastEventAt = events.at(-1)?.at ?? state.lastEventAt;
  const counted = { ...state, events: state.events + events.length, lastEventAt };
  return { record: { run, state: counted }, events };
}

/** Nothing changes; `effects` may still be owed. */
export function refused(reason: string, effects: Effect[] = []): Transition {
  return { changed: false, reason, effects };
}

/** The status that clients see. */
function publicStatus(phase: Phase): RunStatus {
  return phase === "submitting" ? "pending" : phase;
}
