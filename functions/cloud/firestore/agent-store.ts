import type { DocumentReference, DocumentSnapshot, Firestore } from "@google-cloud/firestore";
import type { Agent, AgentVersion } from "../../../shared/agent/agent.ts";
import type { Part } from "../../services/page.ts";
import { codeOf, GRPC, refusing } from "../google-error.ts";
import { fromDocument } from "./client.ts";
import { partOf } from "./page-query.ts";

/** An agent with what the server alone knows: who wrote it, and for which request. */
export interface AgentRecord {
  agent: Agent;
  /** SHA-256 of the body that an Idempotency-Key is held to. */
  requestHash: string;
  /** Random; says whether a document is the one that we wrote. */
  writer: string;
}

/** Agents in Firestore: `agents` with their `versions`. Settings are JSON text there. */
export class AgentStore {
  readonly #firestore: Firestore;

  constructor(firestore: Firestore) {
    this.#firestore = firestore;
  }

  /**
   * Writes a new agent and its first version in one commit. If an agent of that id is there already,
   * nothing is written and it is returned; a commit of our own whose acknowledgement was lost counts
   * as written.
   */
  async create(record: AgentRecord): Promise<AgentRecord | undefined> {
    const batch = this.#firestore.batch();
    batch.create(this.#agent(record.agent.id), toDocument(record));
    batch.create(this.#version(record.agent), versionDocument(record.agent));
    try {
      await refusing("Firestore", () => batch.commit());
      return undefined;
    } catch (error) {
      if (codeOf(error) !== GRPC.ALREADY_EXISTS) throw error;
    }
    const existing = await this.#record(record.agent.id);
    return existing?.writer === record.writer ? undefined : existing;
  }

  async get(id: string): Promise<Agent | undefined> {
    return (await this.#record(id))?.agent;
  }

  /** A part of an owner's agents, newest first; those that are archived only if asked for. */
  async list(
    { owner, archived }: { owner: string; archived: boolean },
    part: Part,
  ): Promise<Agent[]> {
    const equal = { owner, ...(!archived && { archivedAt: null }) };
    const query = partOf(this.#firestore.collection("agents"), { equal }, part);
    const snapshot = await refusing("Firestore", () => query.get());
    return snapshot.docs.flatMap((document) => readRecord(document)?.agent ?? []);
  }

  /** The versions of an agent downwards from `from`, at most `limit`: there is one for each number. */
  async listVersions(
    id: string,
    { from, limit }: { from: number; limit: number },
  ): Promise<AgentVersion[]> {
    const documents = Array.from({ length: Math.min(limit, from) }, (_, at) =>
      this.#version({ id, version: from - at }),
    );
    if (documents.length === 0) return [];
    const snapshots = await refusing("Firestore", () => this.#firestore.getAll(...documents));
    return snapshots.flatMap((snapshot) => readVersion(snapshot) ?? []);
  }

  async getVersion(id: string, version: number): Promise<AgentVersion | undefined> {
    const document = this.#version({ id, version });
    return readVersion(await refusing("Firestore", () => document.get()));
  }

  /**
   * Changes an agent in one transaction; a version that is new is written with it.
   *
   * @param change makes the agent as it shall be; the same object: nothing is written. What it throws
   * ends the transaction. `now` is the transaction's read time.
   * @returns undefined: there is no such agent
   */
  async transact(
    id: string,
    change: (agent: Agent, now: Date) => Agent,
  ): Promise<Agent | undefined> {
    return refusing("Firestore", () =>
      this.#firestore.runTransaction(async (transaction) => {
        const snapshot = await transaction.get(this.#agent(id));
        const record = readRecord(snapshot);
        if (record === undefined) return undefined;
        const agent = change(record.agent, snapshot.readTime.toDate());
        if (agent === record.agent) return agent;
        transaction.set(this.#agent(id), toDocument({ ...record, agent }));
        if (agent.version > record.agent.version) {
          transaction.create(this.#version(agent), versionDocument(agent));
        }
        return agent;
      }),
    );
  }

  async #record(id: string): Promise<AgentRecord | undefined> {
    return readRecord(await refusing("Firestore", () => this.#agent(id).get()));
  }

  #agent = (id: string): DocumentReference => this.#firestore.doc(`agents/${id}`);
  #version = ({ id, version }: Pick<Agent, "id" | "version">): DocumentReference =>
    this.#firestore.doc(`agents/${id}/versions/${version}`);
}

function toDocument({ agent: { settings, ...agent }, requestHash, writer }: AgentRecord): object {
  return { ...agent, settingsJson: JSON.stringify(settings), requestHash, writer };
}

function versionDocument({ id, owner, version, name, labels, settings, updatedAt }: Agent): object {
  const settingsJson = JSON.stringify(settings);
  const createdAt = updatedAt;
  return { agentId: id, schemaVersion: 1, owner, version, name, labels, settingsJson, createdAt };
}

function readRecord(snapshot: DocumentSnapshot): AgentRecord | undefined {
  if (!snapshot.exists) return undefined;
  const { requestHash, writer, ...agent } = withSettings<AgentDocument>(snapshot);
  return { agent, requestHash, writer };
}

type AgentDocument = Agent & Omit<AgentRecord, "agent">;

function readVersion(snapshot: DocumentSnapshot): AgentVersion | undefined {
  return snapshot.exists ? withSettings<AgentVersion>(snapshot) : undefined;
}

function withSettings<T extends AgentDocument | AgentVersion>(snapshot: DocumentSnapshot): T {
  const { settingsJson, ...rest } = fromDocument(snapshot.data()) as { settingsJson: string };
  return { ...rest, settings: JSON.parse(settingsJson) } as T;
}
