import type { Verdict } from "../../shared/attempt/verdict.ts";
import { RETRY_LIMITS } from "../../shared/limits.ts";
import { acceptRun, type Order } from "../../shared/run/accept.ts";
import type { Changed, RunEvent, RunRecord, RunState } from "../../shared/run/record.ts";
import { next } from "../../shared/run/run.ts";

const T0 = new Date("2026-01-02T03:04:05.000Z");
export const BUILD = { id: "b-1", name: "projects/p/locations/l/builds/b-1" };
export const OTHER_BUILD = { id: "b-2", name: "projects/p/locations/l/builds/b-2" };
export const NEXT = { nonce: "nonce2", sessionId: "session2", chance: 0 };

/** `seconds` after {@link T0}. */
export function at(seconds: number): Date {
  return new Date(T0.getTime() + seconds * 1000);
}

/** An order without an agent of its own. */
export function makeOrder(overrides: Partial<Order> = {}): Order {
  return {
    prompt: "Do it",
    agent: null,
    settings: {},
    labels: {},
    parentRunId: null,
    ...overrides,
  };
}

/** A run as the API accepts it. */
export function makeRun(overrides: { id?: string; prompt?: string } = {}): RunRecord {
  const { run, state } = acceptRun(
    makeOrder({ prompt: overrides.prompt ?? "Do it", labels: { team: "a" } }),
    {
      id: overrides.id ?? `run_${"0".repeat(22)}`,
      owner: "owner",
      nonce: "nonce1",
      sessionId: "session1",
      requestHash: "hash",
      writer: "writer",
      now: T0,
    },
  );
  return { run, state };
}

/** Applies events one after the other; each must be accepted. */
export function after(record: RunRecord, ...events: RunEvent[]): RunRecord {
  let current = record;
  for (const event of events) {
    const transition = next(current, event, at(1));
    if (!transition.changed) throw new Error(`${event.type} was refused: ${transition.reason}`);
    current = transition.record;
  }
  return current;
}

function verdictOf(outcome: Verdict["outcome"]): Verdict {
  return { outcome, message: `It was ${outcome}.`, deniedTools: [] };
}

export const SLOT = { id: "t.E2_STANDARD_2.0", target: "t", parent: "projects/p/locations/l" };
export const lease: RunEvent = {
  type: "lease",
  attempt: 1,
  progressTokenHash: "token",
  slot: SLOT,
};
/** Cloud Build takes no build now. */
export const deferred: RunEvent = {
  type: "deferred",
  attempt: 1,
  cause: "over quota",
  denied: false,
  input: null,
};
export const submitted: RunEvent = { type: "submitted", attempt: 1, build: BUILD };
export const claimed: RunEvent = { type: "claimed", attempt: 1, build: BUILD };
export const cancel: RunEvent = { type: "cancel" };

export function settled(
  outcome: Verdict["outcome"],
  overrides: Partial<Extract<RunEvent, { type: "settled" }>> = {},
): RunEvent {
  return {
    type: "settled",
    attempt: 1,
    settlement: { verdict: verdictOf(outcome) },
    build: null,
    ended: null,
    liveBuild: null,
    next: NEXT,
    ...overrides,
  };
}

/** A run in each phase, by the shortest way there. */
export function makeRunsInEveryPhase(): Record<RunState["phase"], RunRecord> {
  const pending = makeRun();
  const submitting = after(pending, lease);
  const queued = after(submitting, submitted);
  const running = after(queued, claimed);
  return {
    pending,
    submitting,
    queued,
    running,
    cancelling: after(running, cancel),
    succeeded: after(running, settled("succeeded")),
    failed: after(running, settled("no_result")),
    timed_out: after(running, settled("timed_out")),
    cancelled: after(pending, cancel),
    expired: after(
      { ...queued, state: { ...queued.state, lostSubmissions: RETRY_LIMITS.maxLostSubmissions } },
      settled("build_expired"),
    ),
  };
}

/** What an event that must change a run does to it. */
export function changed(record: RunRecord, event: RunEvent, now = at(10)): Changed {
  const transition = next(record, event, now);
  if (!transition.changed) throw new Error(`refused: ${transition.reason}`);
  return transition;
}
