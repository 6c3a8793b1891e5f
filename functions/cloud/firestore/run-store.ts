import type { DocumentSnapshot, Transaction } from "@google-cloud/firestore";
import type { Run } from "../../../shared/documents/run.ts";
import { AppError } from "../../../shared/errors.ts";
import { COLLECTIONS } from "../../../shared/names.ts";
import type { Accepted, ResolvedRequest } from "../../../shared/run/accept.ts";
import { passTurn } from "../../../shared/run/pass-turn.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import type { Part } from "../../services/page.ts";
import type { Decide, RunFilter, RunStore, Transacted } from "../../services/runs.ts";
import { codeOf, GRPC } from "../google-error.ts";
import type { Admission } from "./admission.ts";
import { type Database, fromDocument } from "./client.ts";
import { partOf } from "./page-query.ts";
import {
  createRunDocuments,
  type RunDocuments,
  readConversation,
  readRun,
  runDocuments,
  turnsOf,
  writeTransition,
} from "./run-documents.ts";

/** Runs in Firestore: `runs` with their `events`, `runState`, `runRequests`. */
export class FirestoreRunStore implements RunStore {
  readonly #database: Database;
  readonly #documents: RunDocuments;
  readonly #admission: Admission | undefined;

  /** @param admission decides in the same transaction whether an owner may have one more run */
  constructor(database: Database, admission?: Admission) {
    this.#database = database;
    this.#documents = runDocuments(database.firestore);
    this.#admission = admission;
  }

  async create(accepted: Accepted): Promise<RunRecord | undefined> {
    if (this.#admission !== undefined) return this.#createAdmitted(accepted, this.#admission);
    const batch = this.#database.firestore.batch();
    createRunDocuments(this.#documents, accepted, (document, data) => batch.create(document, data));
    const { conversation } = accepted;
    batch.create(this.#documents.conversation(conversation.id), conversation);
    try {
      await this.#database.call(() => batch.commit());
      return undefined;
    } catch (error) {
      if (codeOf(error) !== GRPC.ALREADY_EXISTS) throw error;
    }
    return this.#othersRecord(accepted);
  }

  /** {@link create} where runs are counted: a run that is there already is not refused. */
  #createAdmitted(accepted: Accepted, admission: Admission): Promise<RunRecord | undefined> {
    const { id, owner } = accepted.run;
    return admission.transactInLine(owner, async (transaction) => {
      const existing = (await readRun(transaction, this.#documents, id))?.record;
      if (existing !== undefined) {
        return existing.state.writer === accepted.state.writer ? undefined : existing;
      }
      const count = await admission.admit(transaction, owner);
      const { conversation } = accepted;
      createRunDocuments(this.#documents, accepted, (document, data) =>
        transaction.create(document, data),
      );
      transaction.create(this.#documents.conversation(conversation.id), conversation);
      count();
      return undefined;
    });
  }

  /** The run that is in the way of a new one; undefined if it is that one itself. */
  async #othersRecord({ run, state }: Accepted): Promise<RunRecord | undefined> {
    const existing = await this.getRecord(run.id);
    if (existing === undefined) {
      const detail = `run ${run.id} was deleted, and its conversation went on; use a new Idempotency-Key`;
      throw new AppError("conflict", { detail });
    }
    return existing.state.writer === state.writer ? undefined : existing;
  }

  async getRun(id: string): Promise<Run | undefined> {
    const snapshot = await this.#database.call(() => this.#documents.run(id).get());
    return snapshot.exists ? (fromDocument(snapshot.data()) as Run) : undefined;
  }

  async getRecord(id: string): Promise<RunRecord | undefined> {
    const { firestore, call } = this.#database;
    const read = (transaction: Transaction) => readRun(transaction, this.#documents, id);
    const found = await call(() => firestore.runTransaction(read, { readOnly: true }));
    return found?.record;
  }

  async getRequest(id: string): Promise<ResolvedRequest | undefined> {
    const snapshot: DocumentSnapshot = await this.#database.call(() =>
      this.#documents.request(id).get(),
    );
    if (!snapshot.exists) return undefined;
    return { ...JSON.parse(snapshot.get("json")), prompt: snapshot.get("prompt") };
  }

  async list({ owner, status, agent, conversation, label }: RunFilter, part: Part): Promise<Run[]> {
    const equal = {
      owner,
      ...(status !== undefined && { status }),
      ...(agent !== undefined && { "agent.id": agent }),
      ...(conversation !== undefined && { "conversation.id": conversation }),
    };
    const contains = label === undefined ? undefined : { labelPairs: label };
    const runs = this.#database.firestore.collection(COLLECTIONS.runs);
    const query = partOf(runs, { equal, contains }, part);
    const snapshot = await this.#database.call(() => query.get());
    return snapshot.docs.map((document) => fromDocument(document.data()) as Run);
  }

  async listDue(now: Date, limit: number): Promise<string[]> {
    const states = this.#database.firestore.collection(COLLECTIONS.runStates);
    const due = states.where("dueAt", "<=", now).orderBy("dueAt").limit(limit).select();
    const snapshot = await this.#database.call(() => due.get());
    return snapshot.docs.map((document) => document.id);
  }

  async transact(id: string, decide: Decide): Promise<Transacted | undefined> {
    const { firestore, call } = this.#database;
    return call(() =>
      firestore.runTransaction((transaction) => this.#decide(transaction, id, decide)),
    );
  }

  async #decide(
    transaction: Transaction,
    id: string,
    decide: Decide,
  ): Promise<Transacted | undefined> {
    const read = await readRun(transaction, this.#documents, id);
    if (read === undefined) return undefined;
    const transition = decide(read.record, read.now);
    if (!transition.changed) return { ...transition, record: read.record };
    const hasEnded = transition.record.run.done && !read.record.run.done;
    const passed = hasEnded
      ? await this.#passTurn(transaction, transition.record, read.now)
      : undefined;
    writeTransition(transaction, this.#documents, transition);
    if (passed === undefined) return transition;
    const { conversation, woken, effects } = passed;
    transaction.set(this.#documents.conversation(conversation.id), conversation);
    if (woken !== undefined) writeTransition(transaction, this.#documents, woken);
    return { ...transition, effects: [...transition.effects, ...effects] };
  }

  /** Undefined: its conversation is gone. */
  async #passTurn(transaction: Transaction, ended: RunRecord, now: Date) {
    const documents = this.#documents;
    const before = await readConversation(transaction, documents, ended.run.conversation.id);
    if (before === undefined) return undefined;
    return passTurn(before, ended, {
      now,
      read: async (runId) => (await readRun(transaction, documents, runId))?.record,
    });
  }

  async delete({ run: { id, owner, conversation } }: RunRecord): Promise<void> {
    const { firestore, call } = this.#database;
    const documents = this.#documents;
    const events = documents.run(id).collection(COLLECTIONS.events);
    await call(() => firestore.recursiveDelete(events));
    await call(() =>
      firestore.runTransaction(async (transaction) => {
        const turns = turnsOf(firestore, { id: conversation.id, owner }).limit(2).select();
        const { docs } = await transaction.get(turns);
        const isOnlyTurn = docs.every((turn) => turn.id === id);
        if (isOnlyTurn) transaction.delete(documents.conversation(conversation.id));
        for (const document of [documents.request(id), documents.state(id), documents.run(id)]) {
          transaction.delete(document);
        }
      }),
    );
  }
}
