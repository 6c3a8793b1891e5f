import type { DocumentReference, Firestore, Transaction } from "@google-cloud/firestore";
import { type Conversation, endTurn } from "../../../shared/documents/conversation.ts";
import type { Event } from "../../../shared/documents/event.ts";
import type { Run, RunStatus } from "../../../shared/documents/run.ts";
import type { Session } from "../../../shared/documents/session.ts";
import { AppError } from "../../../shared/errors.ts";
import type { Accepted, ResolvedRequest } from "../../../shared/run/accept.ts";
import type { RunRecord, Transition } from "../../../shared/run/record.ts";
import { next } from "../../../shared/run/run.ts";
import type { Part } from "../../services/page.ts";
import { codeOf, GRPC, refusing } from "../google-error.ts";
import type { Admission } from "./admission.ts";
import { fromDocument } from "./client.ts";
import { partOf } from "./page-query.ts";

/** What {@link RunStore.transact} did: the run as it now is, and what the caller owes. */
export type Transacted = Transition & { record: RunRecord };

/** Which runs of an owner a list has: those that fit all of it. */
export interface RunFilter {
  owner: string;
  status?: RunStatus;
  /** Id of a stored agent, at any version. */
  agent?: string;
  conversation?: string;
  /** `key:value` */
  label?: string;
}

/** A listing of a conversation shows so many turns; `GET /v1/runs?conversation=` has the others. */
const SHOWN_TURNS = 100;

/** A conversation as a new turn finds it: what its last run left, and that run if it is still there. */
export interface BeforeTurn {
  conversation: Conversation;
  session: Session | null;
  last: RunRecord | undefined;
}

/** Runs in Firestore: `runs` with their `events`, `runState`, `runRequests`, `conversations`. */
export class RunStore {
  readonly #firestore: Firestore;
  readonly #admission: Admission | undefined;

  /** @param admission decides in the same transaction whether an owner may have one more run */
  constructor(firestore: Firestore, admission?: Admission) {
    this.#firestore = firestore;
    this.#admission = admission;
  }

  /**
   * Writes a new run in one commit. If a run of that id is there already, nothing is written and it is
   * returned; a commit of our own whose acknowledgement was lost counts as written.
   *
   * @throws {AppError} limit_reached
   */
  async create(accepted: Accepted): Promise<RunRecord | undefined> {
    if (this.#admission !== undefined) return this.#createAdmitted(accepted, this.#admission);
    const batch = this.#firestore.batch();
    this.#add(accepted, (document, data) => batch.create(document, data));
    batch.create(this.#conversation(accepted.conversation.id), accepted.conversation);
    try {
      await refusing("Firestore", () => batch.commit());
      return undefined;
    } catch (error) {
      if (codeOf(error) !== GRPC.ALREADY_EXISTS) throw error;
    }
    return this.#othersRecord(accepted);
  }

  /** {@link create} where runs are counted: a run that is there already is not refused. */
  #createAdmitted(accepted: Accepted, admission: Admission): Promise<RunRecord | undefined> {
    const { id, owner } = accepted.run;
    return this.#transactInLine(owner, async (transaction) => {
      const existing = (await this.#read(transaction, id))?.record;
      if (existing !== undefined) {
        return existing.state.writer === accepted.state.writer ? undefined : existing;
      }
      const count = await admission.admit(transaction, owner);
      this.#add(accepted, (document, data) => transaction.create(document, data));
      transaction.create(this.#conversation(accepted.conversation.id), accepted.conversation);
      count();
      return undefined;
    });
  }

  #transactInLine<T>(owner: string, decide: (transaction: Transaction) => Promise<T>): Promise<T> {
    const work = () => refusing("Firestore", () => this.#firestore.runTransaction(decide));
    return this.#admission === undefined ? work() : this.#admission.inLine(owner, work);
  }

  /**
   * Writes a new run as the next turn of a conversation, in one transaction.
   *
   * @param turn.owner whom the run will belong to
   * @param turn.accept makes the run for the conversation as it is; what it throws ends the transaction
   * @returns the new run; or, of the same id, the one that was there; undefined: no such conversation
   * @throws {AppError} limit_reached
   */
  async createTurn(
    conversationId: string,
    { id, owner, accept }: { id: string; owner: string; accept(before: BeforeTurn): Accepted },
  ): Promise<RunRecord | undefined> {
    return this.#transactInLine(owner, async (transaction) => {
      const existing = await this.#read(transaction, id);
      if (existing !== undefined) return existing.record;
      const conversation = await this.#readConversation(transaction, conversationId);
      if (conversation === undefined) return undefined;
      const { lastRun } = conversation;
      const last = lastRun === null ? undefined : await this.#read(transaction, lastRun);
      const session = last?.record.state.session ?? null;
      const accepted = accept({ conversation, session, last: last?.record });
      const count = await this.#admission?.admit(transaction, owner);
      this.#add(accepted, (document, data) => transaction.create(document, data));
      transaction.set(this.#conversation(conversationId), accepted.conversation);
      count?.();
      return accepted;
    });
  }

  #add(
    { run, state, request, events }: Accepted,
    create: (document: DocumentReference, data: object) => unknown,
  ): void {
    create(this.#run(run.id), run);
    create(this.#state(run.id), state);
    create(this.#request(run.id), requestDocument(run.owner, request));
    for (const event of events) create(this.#event(event), event);
  }

  /** The run that is in the way of a new one; undefined if it is that one itself. */
  async #othersRecord({ run, state }: Accepted): Promise<RunRecord | undefined> {
    const existing = await this.getRecord(run.id);
    if (existing === undefined) {
      const detail = `run ${run.id} was deleted, and its conversation went on; use a new Idempotency-Key`;
      throw new AppError("conflict", { detail });
    }
    return existing?.state.writer === state.writer ? undefined : existing;
  }

  async getRun(id: string): Promise<Run | undefined> {
    const snapshot = await refusing("Firestore", () => this.#run(id).get());
    return snapshot.exists ? (fromDocument(snapshot.data()) as Run) : undefined;
  }

  async getRecord(id: string): Promise<RunRecord | undefined> {
    const read = (t: Transaction) => this.#read(t, id);
    const options = { readOnly: true } as const;
    const found = await refusing("Firestore", () => this.#firestore.runTransaction(read, options));
    return found?.record;
  }

  async getConversation(id: string): Promise<Conversation | undefined> {
    const snapshot = await refusing("Firestore", () => this.#conversation(id).get());
    return snapshot.exists ? (fromDocument(snapshot.data()) as Conversation) : undefined;
  }

  /** The latest runs of a conversation, at most {@link SHOWN_TURNS}, oldest first. */
  async listTurns({ id, owner }: Conversation): Promise<Run[]> {
    const turns = this.#turns(id, owner).limit(SHOWN_TURNS);
    const snapshot = await refusing("Firestore", () => turns.get());
    const runs = snapshot.docs.map((document) => fromDocument(document.data()) as Run);
    return runs.sort((left, right) => left.conversation.turn - right.conversation.turn);
  }

  /** The runs of a conversation, latest first. */
  /** A part of an owner's runs that fit every filter, newest first. */
  async list({ owner, status, agent, conversation, label }: RunFilter, part: Part): Promise<Run[]> {
    const equal = {
      owner,
      ...(status !== undefined && { status }),
      ...(agent !== undefined && { "agent.id": agent }),
      ...(conversation !== undefined && { "conversation.id": conversation }),
    };
    const contains = label === undefined ? undefined : { labelPairs: label };
    const query = partOf(this.#firestore.collection("runs"), { equal, contains }, part);
    const snapshot = await refusing("Firestore", () => query.get());
    return snapshot.docs.map((document) => fromDocument(document.data()) as Run);
  }

  #turns(id: string, owner: string) {
    const runs = this.#firestore.collection("runs");
    const turns = runs.where("owner", "==", owner).where("conversation.id", "==", id);
    return turns.orderBy("createdAt", "desc");
  }

  /** Erases a finished run's documents, its own last; and its conversation, if it was the only turn. */
  async delete({ run: { id, owner, conversation } }: RunRecord): Promise<void> {
    const events = this.#firestore.collection(`runs/${id}/events`);
    await refusing("Firestore", () => this.#firestore.recursiveDelete(events));
    await refusing("Firestore", () =>
      this.#firestore.runTransaction(async (transaction) => {
        const turns = await transaction.get(this.#turns(conversation.id, owner).limit(2).select());
        const isOnlyTurn = turns.docs.every((turn) => turn.id === id);
        if (isOnlyTurn) transaction.delete(this.#conversation(conversation.id));
        for (const document of [this.#request(id), this.#state(id), this.#run(id)]) {
          transaction.delete(document);
        }
      }),
    );
  }

  async getRequest(id: string): Promise<ResolvedRequest | undefined> {
    const snapshot = await refusing("Firestore", () => this.#request(id).get());
    if (!snapshot.exists) return undefined;
    return { ...JSON.parse(snapshot.get("json")), prompt: snapshot.get("prompt") };
  }

  /**
   * Decides on a run and writes the decision, in one transaction: it holds for the version that was read
   * or is taken again. `now` is the transaction's read time. With a run's end its conversation goes on
   * to the next turn. Undefined: there is no such run.
   */
  async transact(id: string, decide: Decide): Promise<Transacted | undefined> {
    return refusing("Firestore", () =>
      this.#firestore.runTransaction(async (transaction) => {
        const read = await this.#read(transaction, id);
        if (read === undefined) return undefined;
        const transition = decide(read.record, read.now);
        if (!transition.changed) return { ...transition, record: read.record };
        const hasEnded = transition.record.run.done && !read.record.run.done;
        const woken = hasEnded
          ? await this.#endTurn(transaction, transition.record, read.now)
          : undefined;
        this.#write(transaction, transition);
        if (woken === undefined) return transition;
        const effect = { type: "publishTurn", runId: woken } as const;
        return { ...transition, effects: [...transition.effects, effect] };
      }),
    );
  }

  #write(
    transaction: Transaction,
    { record, events }: Extract<Transition, { changed: true }>,
  ): void {
    transaction.set(this.#run(record.run.id), record.run);
    transaction.set(this.#state(record.run.id), record.state);
    for (const event of events) transaction.set(this.#event(event), event);
  }

  /**
   * Writes the conversation as it is after the end of one of its runs.
   *
   * @returns the run whose turn it now is
   */
  async #endTurn(
    transaction: Transaction,
    { run, state }: RunRecord,
    now: Date,
  ): Promise<string | undefined> {
    const before = await this.#readConversation(transaction, run.conversation.id);
    if (before === undefined) return undefined;
    let conversation = endTurn(before, run.id, now);
    let woken: Transition | undefined;
    while (conversation.activeRun !== before.activeRun && conversation.activeRun !== null) {
      const waiting = await this.#read(transaction, conversation.activeRun);
      woken = waiting && next(waiting.record, { type: "turn", restore: state.session }, now);
      if (woken?.changed) break;
      conversation = endTurn(conversation, conversation.activeRun, now);
    }
    transaction.set(this.#conversation(conversation.id), conversation);
    if (!woken?.changed) return undefined;
    this.#write(transaction, woken);
    return woken.record.run.id;
  }

  /** Ids of at most `limit` runs whose `dueAt` has passed, longest due first. */
  async listDue(now: Date, limit: number): Promise<string[]> {
    const states = this.#firestore.collection("runState");
    const due = states.where("dueAt", "<=", now).orderBy("dueAt").limit(limit).select();
    const snapshot = await refusing("Firestore", () => due.get());
    return snapshot.docs.map((document) => document.id);
  }

  async #read(transaction: Transaction, id: string) {
    const [run, state] = await transaction.getAll(this.#run(id), this.#state(id));
    if (!run?.exists || !state?.exists) return undefined;
    const record = { run: fromDocument(run.data()), state: fromDocument(state.data()) };
    return { record: record as RunRecord, now: run.readTime.toDate() };
  }

  async #readConversation(transaction: Transaction, id: string): Promise<Conversation | undefined> {
    const snapshot = await transaction.get(this.#conversation(id));
    return snapshot.exists ? (fromDocument(snapshot.data()) as Conversation) : undefined;
  }

  #conversation = (id: string) => this.#firestore.doc(`conversations/${id}`);
  #event = ({ runId, id }: Event) => this.#firestore.doc(`runs/${runId}/events/${id}`);
  #run = (id: string) => this.#firestore.doc(`runs/${id}`);
  #state = (id: string) => this.#firestore.doc(`runState/${id}`);
  #request = (id: string) => this.#firestore.doc(`runRequests/${id}`);
}

type Decide = (record: RunRecord, now: Date) => Transition;

/** The prompt stands by itself: each of its characters could be six in JSON, which would be too long. */
function requestDocument(owner: string, { prompt, ...rest }: ResolvedRequest): object {
  return { owner, prompt, json: JSON.stringify(rest) };
}
