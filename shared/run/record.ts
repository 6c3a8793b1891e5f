import type { BuildRef } from "../attempt/build-view.ts";
import type { Settlement } from "../attempt/settlement.ts";
import type { Event, ReportedEvent } from "../documents/event.ts";
import type { Run, RunStatus } from "../documents/run.ts";
import type { Session } from "../documents/session.ts";

export type Phase = RunStatus | "submitting";

/** A build and the attempt that it was of. */
export interface AttemptBuild {
  attempt: number;
  id: string;
}

/** The document `runState/{id}`: what the server alone knows. Written together with the run. */
export interface RunState {
  schemaVersion: 1;
  owner: string;
  /** Raised by one with each change of the run or its state; every write is fenced by it. */
  version: number;
  phase: Phase;
  attempt: number;
  nonce: string;
  /** UUID of the agent's session in this attempt, if it begins a new one. */
  sessionId: string;
  /** Whether an earlier turn of its conversation is still to end; no lease before that. */
  waitsForTurn: boolean;
  /** What the turn before left. */
  restore: Session | null;
  /** What this run leaves for the next turn: its own session, or else the one that it restored. */
  session: Session | null;
  /** Events of the run so far; the next one's number is one more. */
  events: number;
  /** The highest number among the events that the attempt's build has reported. */
  reported: number;
  /** Whether a lease was ever taken in this attempt: if so, leaving it needs the claim. */
  leaseTaken: boolean;
  leaseUntil: Date | null;
  /** No lease before this instant (backoff). */
  notBefore: Date | null;
  /** SHA-256 of the attempt's progress token, hex. */
  progressTokenHash: string | null;
  build: BuildRef | null;
  /** The builds of earlier attempts, as far as they are known, oldest first. */
  pastBuilds: AttemptBuild[];
  /** When the sweep looks at the run next; null only when it is over and owes nothing. */
  dueAt: Date | null;
  /** When the build must have started (`queued`) or ended (`running`); past it the sweep ends it. */
  deadlineAt: Date | null;
  /** What a finished run still owes: `build`, a build that has to be seen to its end. */
  obligations: "build"[];
  /** Attempts that ended for a cause outside the request. */
  failures: number;
  /** Leases that ended without a build that is known of. */
  lostSubmissions: number;
  cancelRequestedAt: Date | null;
  timeoutSeconds: number;
  /** SHA-256 of the request's body as it was sent, hex: what an Idempotency-Key is compared by. */
  requestHash: string;
  /** Random; tells the creator's own retried commit from somebody else's document. */
  writer: string;
}

/** A run and its state: the two documents that change together. */
export interface RunRecord {
  run: Run;
  state: RunState;
}

export interface SettledEvent {
  type: "settled";
  attempt: number;
  settlement: Settlement;
  /** A build that may still be live although its agent can never start. */
  liveBuild: BuildRef | null;
  /** For the attempt after this one, should there be one. */
  next: { nonce: string; sessionId: string };
}

export type RunEvent =
  | { type: "lease"; attempt: number; progressTokenHash: string }
  | { type: "deferred"; attempt: number; until: Date; cause: string }
  | { type: "submitted"; attempt: number; build: BuildRef }
  | { type: "claimed"; attempt: number; build: BuildRef }
  | {
      type: "progress";
      attempt: number;
      build: BuildRef;
      text: string;
      turn: number;
      events: readonly ReportedEvent[];
    }
  /** The turn before this one is over. */
  | { type: "turn"; restore: Session | null }
  | { type: "cancel" }
  | SettledEvent
  | { type: "buildOver" }
  | { type: "postponed"; until: Date };

/** What the caller does after the commit. If it dies first, `dueAt` brings the sweep. */
export type Effect =
  /** Publish the attempt to `run-requests`. */
  | { type: "publish" }
  /** Publish the first attempt of another run, whose turn it now is. */
  | { type: "publishTurn"; runId: string }
  /** Tell the build to stop and, if no agent has started, make sure that none ever will. */
  | { type: "stopAttempt" }
  /** This build must not live: its run is over or another build has the attempt. */
  | { type: "cancelBuild"; build: BuildRef };

export type Transition =
  /** `events` are written with the record. */
  | { changed: true; record: RunRecord; events: Event[]; effects: Effect[] }
  | { changed: false; reason: string; effects: Effect[] };
