import type { Transaction } from "@google-cloud/firestore";
import type { Conversation } from "../../../shared/documents/conversation.ts";
import type { Run } from "../../../shared/documents/run.ts";
import { COLLECTIONS } from "../../../shared/names.ts";
import type { Accepted } from "../../../shared/run/accept.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import type { Part } from "../../services/page.ts";
import type { BeforeTurn, ConversationStore } from "../../services/runs.ts";
import type { Admission } from "./admission.ts";
import { type Database, fromDocument } from "./client.ts";
import { partOf } from "./page-query.ts";
import {
  conversationIn,
  createRunDocuments,
  type RunDocuments,
  readConversation,
  readRun,
  runDocuments,
  turnsOf,
} from "./run-documents.ts";

const SHOWN_TURNS = 100;

/** Conversations in Firestore: `conversations`, and the runs that are their turns. */
export class FirestoreConversationStore implements ConversationStore {
  readonly #database: Database;
  readonly #documents: RunDocuments;
  readonly #admission: Admission;

  /** @param admission decides in the same transaction whether an owner may have one more run */
  constructor(database: Database, admission: Admission) {
    this.#database = database;
    this.#documents = runDocuments(database.firestore);
    this.#admission = admission;
  }

  async get(id: string): Promise<Conversation | undefined> {
    const snapshot = await this.#database.call(() => this.#documents.conversation(id).get());
    return conversationIn(snapshot);
  }

  async list(owner: string, part: Part): Promise<Conversation[]> {
    const all = this.#database.firestore.collection(COLLECTIONS.conversations);
    const query = partOf(all, { equal: { owner } }, part);
    const snapshot = await this.#database.call(() => query.get());
    return snapshot.docs.flatMap((document) => conversationIn(document) ?? []);
  }

  async lastRunsOf(conversations: readonly Conversation[]): Promise<Map<string, Run>> {
    const ids = conversations.flatMap(({ lastRun }) => lastRun ?? []);
    if (ids.length === 0) return new Map();
    const documents = ids.map((id) => this.#documents.run(id));
    const { firestore, call } = this.#database;
    const found = await call(() => firestore.getAll(...documents));
    const runs = found.filter(({ exists }) => exists).map((one) => fromDocument(one.data()) as Run);
    return new Map(runs.map((run) => [run.id, run]));
  }

  async listTurns(conversation: Conversation): Promise<Run[]> {
    const turns = turnsOf(this.#database.firestore, conversation).limit(SHOWN_TURNS);
    const snapshot = await this.#database.call(() => turns.get());
    const runs = snapshot.docs.map((document) => fromDocument(document.data()) as Run);
    return runs.sort((left, right) => left.conversation.turn - right.conversation.turn);
  }

  async createTurn(
    conversationId: string,
    turn: { id: string; owner: string; accept(before: BeforeTurn): Accepted },
  ): Promise<RunRecord | undefined> {
    const { firestore, call } = this.#database;
    const add = (transaction: Transaction) => this.#addTurn(transaction, conversationId, turn);
    return this.#admission.isBounded(turn.owner)
      ? this.#admission.lines.transact(turn.owner, add)
      : call(() => firestore.runTransaction(add));
  }

  async #addTurn(
    transaction: Transaction,
    conversationId: string,
    { id, owner, accept }: { id: string; owner: string; accept(before: BeforeTurn): Accepted },
  ): Promise<RunRecord | undefined> {
    const documents = this.#documents;
    const existing = await readRun(transaction, documents, id);
    if (existing !== undefined) return existing.record;
    const conversation = await readConversation(transaction, documents, conversationId);
    if (conversation === undefined) return undefined;
    const { lastRun } = conversation;
    const last = lastRun === null ? undefined : await readRun(transaction, documents, lastRun);
    const session = last?.record.state.session ?? null;
    const accepted = accept({ conversation, session, last: last?.record });
    const count = await this.#admission.admit(transaction, owner);
    createRunDocuments(documents, accepted, (document, data) => transaction.create(document, data));
    transaction.set(documents.conversation(conversationId), accepted.conversation);
    count();
    return accepted;
  }
}
