import type { Conversation } from "../../shared/documents/conversation.ts";
import type { Event } from "../../shared/documents/event.ts";
import type { Run, RunStatus } from "../../shared/documents/run.ts";
import type { Session } from "../../shared/documents/session.ts";
import type { Accepted, ResolvedRequest } from "../../shared/run/accept.ts";
import type { RunRecord, Transition } from "../../shared/run/record.ts";
import type { Part } from "./page.ts";

/** What {@link RunStore.transact} did: the run as it now is, and what the caller owes. */
export type Transacted = Transition & {
  record: RunRecord;
  /** What stands in the way of a change that the run itself allows. */
  hindrance?: Hindrance;
  /** When it may be otherwise, in seconds. */
  waitSeconds?: number;
};

/**
 * Of a lease or an admission: its slot is another's, its target takes nothing, or creates too fast.
 */
export type Hindrance = "slot taken" | "target paused" | "no token";

/** Decides on a run as it is at `now`, the read time of the transaction that asks. */
export type Decide = (record: RunRecord, now: Date) => Transition;

/** Which runs of an owner a list has: those that fit all of it. */
export interface RunFilter {
  owner: string;
  status?: RunStatus;
  /** Id of a stored agent, at any version. */
  agent?: string;
  conversation?: string;
  /** `key:value` */
  label?: string;
  /** Accepted at or after `from` and before `to`. */
  from?: Date;
  to?: Date;
}

/** Runs with their states, requests and events. */
export interface RunStore {
  /**
   * Writes a new run in one commit. If a run of that id is there already, nothing is written and it
   * is returned; a commit of our own whose acknowledgement was lost counts as written.
   *
   * @throws {AppError} limit_reached; conflict if a run of that id was deleted
   */
  create(accepted: Accepted): Promise<RunRecord | undefined>;
  /**
   * Refuses what {@link create} would refuse an owner now, and writes nothing.
   *
   * @returns USD that the owner's budget of the day leaves to one run; undefined: it has none
   * @throws {AppError} limit_reached, budget_spent
   */
  tryCreate(owner: string): Promise<number | undefined>;
  getRun(id: string): Promise<Run | undefined>;
  getRecord(id: string): Promise<RunRecord | undefined>;
  /**
   * The record, and when it was so by the database's clock: what is decided by time is decided by
   * this one.
   */
  read(id: string): Promise<{ record: RunRecord; now: Date } | undefined>;
  databaseTime(): Promise<Date>;
  getRequest(id: string): Promise<ResolvedRequest | undefined>;
  /** A part of an owner's runs that fit every filter, newest first. */
  list(filter: RunFilter, part: Part): Promise<Run[]>;
  /** Runs whose pull request has this address, of any owner; at most 500. */
  ofPullRequest(url: string): Promise<Run[]>;
  /**
   * Ids of the runs whose `dueAt` has passed, longest due first in each page. A page is read when
   * it is asked for, and has at most a thousand.
   */
  due(now: Date): AsyncIterable<string[]>;
  /**
   * Decides on a run and writes the decision, in one transaction: it holds for the version that was
   * read or is taken again. With a run's end its conversation goes on to the next turn. Undefined:
   * there is no such run.
   */
  transact(id: string, decide: Decide): Promise<Transacted | undefined>;
  /**
   * Notes in a run's state that somebody follows its events, until an instant. It is not noted
   * again by the same process while that is far away.
   */
  noteFollower(id: string, until: Date): Promise<void>;
  /**
   * Erases a finished run's documents, its own last; and its conversation, if it was the only turn.
   */
  delete(record: RunRecord): Promise<void>;
}

/**
 * A conversation as a new turn finds it: what its last run left, and that run if it is still there.
 */
export interface BeforeTurn {
  conversation: Conversation;
  session: Session | null;
  last: RunRecord | undefined;
}

/** Conversations, and the runs that are their turns. */
export interface ConversationStore {
  get(id: string): Promise<Conversation | undefined>;
  /** A part of an owner's conversations, newest first. */
  list(owner: string, part: Part): Promise<Conversation[]>;
  /**
   * The runs that were active last in some of them, by the runs' ids; of deleted ones there is
   * none.
   */
  lastRunsOf(conversations: readonly Conversation[]): Promise<Map<string, Run>>;
  /**
   * The latest runs of a conversation, at most 100, oldest first. `GET /v1/runs` has the others.
   */
  listTurns(conversation: Conversation): Promise<Run[]>;
  /**
   * Writes a new run as the next turn of a conversation, in one transaction.
   *
   * @param turn.owner whom the run will belong to
   * @param turn.accept makes the run for the conversation as it is; what it throws ends the
   * transaction
   * @returns the new run; or, of the same id, the one that was there; undefined: no such
   * conversation
   * @throws {AppError} limit_reached
   */
  createTurn(
    conversationId: string,
    turn: { id: string; owner: string; accept(before: BeforeTurn): Accepted },
  ): Promise<RunRecord | undefined>;
}

/** Receives what a listener sees. After `failed` nothing follows. */
export interface Observer<T> {
  next(value: T): void;
  failed(error: unknown): void;
}

/** Ends a listener; it calls nobody after that. */
export type StopListening = () => void;

/** A run as it is after a change, or the id of one that was erased; and when that happened. */
export type ListChange = { at: Date } & ({ run: Run } | { gone: string });

/** Listeners on runs. Whoever opens one ends it. */
export interface RunWatch {
  /** Sees the run as it is and then each change of it; undefined: there is no such run. */
  watchRun(id: string, observer: Observer<Run | undefined>): StopListening;
  /**
   * Sees the events of a run that follow the id `after`, in their order, out of at most `limit`
   * documents: at each call the ones that are new. The first call says what is there already, which
   * may be nothing; another one without events says that some were deleted.
   */
  watchEvents(
    page: { runId: string; after: string | undefined; limit: number },
    observer: Observer<Event[]>,
  ): StopListening;
  /**
   * Sees what changed of an owner's runs since an instant and what changes, in the order of the
   * changes: of those of the filter's agent, conversation and label, whatever their status and
   * their time.
   */
  watchList(
    list: { filter: RunFilter; since: Date },
    observer: Observer<ListChange[]>,
  ): StopListening;
}
