import type { AgentEvent, Event, EventContent } from "../documents/event.ts";
import type { Run, RunStatus } from "../documents/run.ts";
import { RUN_LIMITS } from "../limits.ts";
import type { Effect, Phase, RunRecord, RunState, Transition } from "./record.ts";

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
  events?: readonly AgentEvent[];
}

/** The run in another phase, with an entry in its history. */
export function move(
  record: RunRecord,
  phase: Phase,
  { now, effects = [], ...change }: Change & { now: Date; effects?: Effect[] },
): Transition {
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
    history: [...record.run.history, entry].slice(-RUN_LIMITS.historyEntries),
    updatedAt: now,
    finishedAt: done ? now : null,
  };
  const state = { ...record.state, ...change.state, phase, version };
  const said = [...(change.events ?? []), { type: "status", status, why: run.why } as const];
  return { changed: true, ...withEvents({ run, state }, said, now), effects };
}

/** The run in the same phase, changed in some other way. */
export function stay(
  record: RunRecord,
  { now, effects = [], ...change }: Omit<Change, "cause"> & { now: Date; effects?: Effect[] },
): Transition {
  const state = { ...record.state, ...change.state, version: record.state.version + 1 };
  const run = change.run ? { ...record.run, ...change.run, updatedAt: now } : record.run;
  return { changed: true, ...withEvents({ run, state }, change.events ?? [], now), effects };
}

/** The record with its events counted, and their documents. */
export function withEvents(
  { run, state }: RunRecord,
  contents: readonly EventContent[],
  now: Date,
): { record: RunRecord; events: Event[] } {
  const expireAt = after(now, RUN_LIMITS.eventDays * 24 * 3600);
  const events = contents.map(
    (event, index): Event => ({
      id: `${state.attempt}-${String(state.events + index + 1).padStart(6, "0")}`,
      schemaVersion: 1,
      owner: run.owner,
      runId: run.id,
      at: now,
      expireAt,
      event,
    }),
  );
  return { record: { run, state: { ...state, events: state.events + events.length } }, events };
}

/** Nothing changes; `effects` may still be owed. */
export function refused(reason: string, effects: Effect[] = []): Transition {
  return { changed: false, reason, effects };
}

/** `seconds` after `instant`. */
export function after(instant: Date, seconds: number): Date {
  return new Date(instant.getTime() + seconds * 1000);
}

/** The status that clients see. */
function publicStatus(phase: Phase): RunStatus {
  return phase === "submitting" ? "pending" : phase;
}
