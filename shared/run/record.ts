import type { BuildRef } from "../attempt/build-view.ts";
import type { Settlement } from "../attempt/settlement.ts";
import type { SlotChange } from "../capacity/slot.ts";
import type { SpentAttempt } from "../documents/attempt.ts";
import type { Event, ReportedEvent } from "../documents/event.ts";
import type { Run, RunStatus } from "../documents/run.ts";
import type { Session } from "../documents/session.ts";
import type { DeliveryEvent, OwedDelivery } from "./owed-delivery.ts";
import type { Retention } from "./retention.ts";
import type { TraceContext } from "./trace.ts";
import type { PullRequestEvent, PullRequestWatch } from "./watched-pull-request.ts";

export type Phase = RunStatus | "submitting";

/** A build and the attempt that it was of. */
export interface AttemptBuild {
  attempt: number;
  id: string;
}

/** The input archive of an attempt; `generation` pins its content. */
export interface BuildInput {
  bucket: string;
  object: string;
  generation: string;
}

/** The firing that started a run. */
export interface RunOrigin {
  triggerId: string;
  firingId: string;
  /** How many runs started each other, this one included. */
  depth: number;
  /** The part of the trigger's counts that it is counted in, by its id. */
  count: string;
  /** What is set aside for it there, in millionths of a USD. */
  reservedMicros: number;
}

/** The document `runState/{id}`: what the server alone knows. Written together with the run. */
export interface RunState {
  schemaVersion: 2;
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
  /** What event started it; null: none did. */
  origin: RunOrigin | null;
  /** The trigger in whose lane it has its turn, or waits for it; null: it is in none. */
  lane: string | null;
  /** What the turn before left. */
  restore: Session | null;
  /** What the attempt before left; absent in older states. */
  resume?: Session | null;
  /** The webhook that is told of this run in any case; absent: none. */
  webhook?: string;
  /** What this run leaves for the next turn: its own session, or else the one that it restored. */
  session: Session | null;
  /** Events of the run so far; the next one's number is one more. */
  events: number;
  /** When the last of them happened: the next one's time is later. Null: nobody noted it. */
  lastEventAt: Date | null;
  /** Since when the attempt has waited for a build that works. Null: nobody noted it. */
  waitsSince: Date | null;
  /** When the attempt's build began to work, as Cloud Build says; null: it is not known to. */
  workingAt: Date | null;
  /** The highest number among the events that the attempt's build has reported. */
  reported: number;
  /**
   * Until when somebody is known to follow the run's events; absent: nobody ever was. Written by
   * itself, without another version: all that it decides is how often a build reports.
   */
  followedUntil?: Date;
  /** Whether a lease was ever taken in this attempt: if so, leaving it needs the claim. */
  leaseTaken: boolean;
  leaseUntil: Date | null;
  /** No lease before this instant (backoff). */
  notBefore: Date | null;
  /** SHA-256 of the attempt's progress token, hex. */
  progressTokenHash: string | null;
  build: BuildRef | null;
  /** `projects/P/locations/L` that the attempt's build is created in; null: none is yet. */
  parent: string | null;
  /** Cloud Build's name of the machine that the run's builds use. */
  machineType: string;
  /** The model that the request names; null: the engine's own choice, or nobody noted it. */
  model: string | null;
  /** When the run was accepted, by the database's clock: its place in its line, in each attempt. */
  acceptedAt: Date;
  /** The line that the run waits in for a slot; null: it does not wait in one. */
  line: string | null;
  /** The slot that the attempt has. */
  slot: string | null;
  /** The builds of earlier attempts, as far as they are known, oldest first. */
  pastBuilds: AttemptBuild[];
  /** When the sweep looks at the run next; null only when it is over and owes nothing. */
  dueAt: Date | null;
  /** The version up to which `run-events` was told of changes of its status. */
  told: number;
  /** When the sweep tells of those that were not told by then; null: all were. */
  tellAt: Date | null;
  /**
   * When the build must have started (`queued`) or ended (`running`); past it the sweep ends it.
   */
  deadlineAt: Date | null;
  /** What a finished run still owes: `build`, a build that has to be seen to its end. */
  obligations: "build"[];
  /** How what the run changes is delivered; null or absent: it is not, or was. */
  delivery?: OwedDelivery | null;
  /** When its pull request is looked at; null or absent: it is not, or has none. */
  watch?: PullRequestWatch | null;
  /** Attempts that ended for a cause outside the request. */
  failures: number;
  /** Submissions that came to nothing: no build is known of, or Cloud Build did not start it. */
  lostSubmissions: number;
  /** Visits of the sweep in a row that failed. */
  failedVisits: number;
  /** When Cloud Build first refused the attempt for want of a permission. */
  deniedSince: Date | null;
  /** The input that a refused submission has uploaded, for the next one. */
  input: BuildInput | null;
  /**
   * Tokens of the last commits, newest first: whose acknowledgement was lost is known again by its
   * own.
   */
  commits: string[];
  cancelRequestedAt: Date | null;
  timeoutSeconds: number;
  /** How long what the run leaves is kept; absent: nothing was said about it. */
  retention?: Retention;
  /**
   * The run's own budget for all of its attempts, in USD; it and the two after the next are absent
   * in older states.
   */
  budgetUsd?: number;
  /** What earlier attempts have spent, of which it is known; absent: of none. */
  spentBefore?: SpentAttempt[];
  /**
   * Millionths of a USD that are set aside for the attempt, of its owner's day; null: nothing is.
   */
  asideMicros?: number | null;
  /** What of its owner's days the attempts that were settled have used, in the same. */
  chargedMicros?: number;
  /**
   * Where in a trace the run was accepted: all that is done for it goes on from there. Null: in
   * none.
   */
  trace: TraceContext | null;
  /** The same of the submission of its attempt, from where its build goes on. */
  submissionTrace: TraceContext | null;
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
  /** The build that had the attempt's claim, if one had. */
  build: BuildRef | null;
  /** The build that is over, if one is. */
  ended: BuildRef | null;
  /**
   * A build that may still be live although its agent can never start, or work on; `unknown`:
   * nobody knows whether there is one.
   */
  liveBuild: BuildRef | "unknown" | null;
  /**
   * For the attempt after this one, should there be one. `chance`, from 0 to 1, spreads what waits.
   */
  next: { nonce: string; sessionId: string; chance: number };
}

export type RunEvent =
  /** No slot is free, or others have waited for one longer. */
  | { type: "park"; attempt: number; cause?: string }
  /** The run's turn has come: it gets a slot. */
  | { type: "admit"; attempt: number; slot: string }
  | {
      type: "lease";
      attempt: number;
      progressTokenHash: string;
      slot: LeasedSlot;
      /** Of the submission. Default: none. */
      trace?: TraceContext | null;
    }
  /** Cloud Build takes no build now. `denied`: for want of a permission, which may come. */
  | { type: "deferred"; attempt: number; cause: string; denied: boolean; input: BuildInput | null }
  | { type: "submitted"; attempt: number; build: BuildRef }
  /** Cloud Build says that the build works; its runner has not been heard of. */
  | { type: "working"; attempt: number; build: BuildRef; since: Date }
  | { type: "claimed"; attempt: number; build: BuildRef }
  | {
      type: "progress";
      attempt: number;
      build: BuildRef;
      text: string;
      turn: number;
      events: readonly ReportedEvent[];
      /** Whether it says, too, what `finished` does. Default: it does not. */
      isLast?: boolean;
    }
  /** The turn before this one is over. */
  | { type: "turn"; restore: Session | null }
  | { type: "cancel" }
  | SettledEvent
  | { type: "buildOver" }
  | { type: "placed"; in: "archive" | "list" }
  /** `run-events` has the changes of status up to this version. */
  | { type: "told"; version: number }
  | { type: "postponed"; seconds: number }
  | { type: "visitFailed" }
  | DeliveryEvent
  | PullRequestEvent
  /** The attempt's build says that it has left its manifest and ends. */
  | { type: "finished"; attempt: number };

/**
 * The slot that a lease is taken with, the run's own or a free one, and where its builds are
 * created.
 */
interface LeasedSlot {
  id: string;
  target: string;
  parent: string;
}

/** What the caller does after the commit. If it dies first, `dueAt` brings the sweep. */
export type Effect =
  /** Publish the attempt to `run-requests`. */
  | { type: "publish" }
  /** Publish the first attempt of another run, whose turn it now is. */
  | { type: "publishTurn"; runId: string; trace: TraceContext | null }
  /** Tell the build to stop and, if no agent has started, make sure that none ever will. */
  | { type: "stopAttempt" }
  /** This build must not live: its run is over or another build has the attempt. */
  | { type: "cancelBuild"; build: BuildRef }
  /** Publish to `run-deliveries` that a delivery is owed. */
  | { type: "deliver" }
  /** Give what is free to those who wait. */
  | { type: "admit"; machineType: string }
  /** Tell `run-events` of the changes of status that it was not told of. */
  | { type: "tell" };

export type Transition =
  /** All of it is written in one commit. */
  | {
      changed: true;
      record: RunRecord;
      events: Event[];
      /**
       * What becomes of the attempt's slot; of one that is `taken` or leased the run depends on it.
       */
      slot?: SlotChange;
      /** The target whose rate of creates one more is counted in. */
      creates?: string;
      effects: Effect[];
    }
  | { changed: false; reason: string; effects: Effect[] };

export type Changed = Extract<Transition, { changed: true }>;
