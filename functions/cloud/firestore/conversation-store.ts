import type { Transaction } from "@google-cloud/firestore";
import type { Conversation } from "../../../shared/documents/conversation.ts";
import type { Run } from "../../../shared/documents/run.ts";
import type { Accepted } from "../../../shared/run/accept.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import type { BeforeTurn, ConversationStore } from "../../services/runs.ts";
import type { Admission } from "./admission.ts";
import { type Database, fromDocument } from "./client.ts";
import {
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
  readonly #admission: Admission | undefined;

  /** @param admission decides in the same transaction whether an owner may have one more run */
  constructor(database: Database, admission?: Admission) {
    this.#database = database;
    this.#documents = runDocuments(database.firestore);
    this.#admission = admission;
  }

  async get(id: string): Promise<Conversation | undefined> {
    const snapshot = await this.#database.call(() => this.#documents.conversation(id).get());
    return snapshot.exists ? (fromDocument(snapshot.data()) as Conversation) : undefined;
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
    return this.#admission === undefined
      ? call(() => firestore.runTransaction(add))
      : this.#admission.transactInLine(turn.owner, add);
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
    const count = await this.#admission?.admit(transaction, owner);
    createRunDocuments(documents, accepted, (document, data) => transaction.create(document, data));
    transaction.set(documents.conversation(conversationId), accepted.conversation);
    count?.();
    return accepted;
  }
}
