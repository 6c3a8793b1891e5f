import { RUN_LIMITS } from "./limits.ts";
import type { Effect, Phase, RunRecord, RunState, Transition } from "./run-record.ts";
import type { Run, RunStatus } from "./run-schema.ts";

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
  return {
    changed: true,
    record: { run, state: { ...record.state, ...change.state, phase, version } },
    effects,
  };
}

/** The run in the same phase, changed in some other way. */
export function stay(
  record: RunRecord,
  { now, effects = [], ...change }: Omit<Change, "cause"> & { now: Date; effects?: Effect[] },
): Transition {
  const state = { ...record.state, ...change.state, version: record.state.version + 1 };
  const run = change.run ? { ...record.run, ...change.run, updatedAt: now } : record.run;
  return { changed: true, record: { run, state }, effects };
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
