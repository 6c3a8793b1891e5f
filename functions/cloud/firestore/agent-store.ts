import type { DocumentReference, DocumentSnapshot } from "@google-cloud/firestore";
import type { Agent, AgentVersion } from "../../../shared/agent/agent.ts";
import { base62, type RandomBytes } from "../../../shared/ids.ts";
import { COLLECTIONS } from "../../../shared/names.ts";
import type { AgentRecord, AgentStore } from "../../services/agents.ts";
import type { Part } from "../../services/page.ts";
import { codeOf, GRPC } from "../google-error.ts";
import { type Database, fromDocument } from "./client.ts";
import { partOf } from "./page-query.ts";

/** More of one name are as many as so many: which one is meant is not clear. */
const NAMESAKES = 20;

/** Agents in Firestore: `agents` with their `versions`. Settings are JSON text there. */
export class FirestoreAgentStore implements AgentStore {
  readonly #database: Database;
  readonly #random: RandomBytes;

  constructor(database: Database, random: RandomBytes) {
    this.#database = database;
    this.#random = random;
  }

  async create(record: AgentRecord): Promise<AgentRecord | undefined> {
    const batch = this.#database.firestore.batch();
    batch.create(this.#agent(record.agent.id), toDocument(record));
    batch.create(this.#version(record.agent), versionDocument(record.agent));
    try {
      await this.#database.call(() => batch.commit());
      return undefined;
    } catch (error) {
      if (codeOf(error) !== GRPC.ALREADY_EXISTS) throw error;
    }
    const existing = await this.getRecord(record.agent.id);
    return existing?.writer === record.writer ? undefined : existing;
  }

  async get(id: string): Promise<Agent | undefined> {
    return (await this.getRecord(id))?.agent;
  }

  async getRecord(id: string): Promise<AgentRecord | undefined> {
    return readRecord(await this.#database.call(() => this.#agent(id).get()));
  }

  async list(
    { owner, archived }: { owner: string; archived: boolean },
    part: Part,
  ): Promise<Agent[]> {
    const equal = { owner, ...(!archived && { archivedAt: null }) };
    const query = partOf(this.#database.firestore.collection(COLLECTIONS.agents), { equal }, part);
    const snapshot = await this.#database.call(() => query.get());
    return snapshot.docs.flatMap((document) => readRecord(document)?.agent ?? []);
  }

  async named(owner: string, name: string): Promise<Agent[]> {
    const agents = this.#database.firestore.collection(COLLECTIONS.agents);
    const query = agents.where("owner", "==", owner).where("name", "==", name).limit(NAMESAKES);
    const snapshot = await this.#database.call(() => query.get());
    return snapshot.docs.flatMap((document) => readRecord(document)?.agent ?? []);
  }

  async listVersions(
    id: string,
    { from, limit }: { from: number; limit: number },
  ): Promise<AgentVersion[]> {
    const documents = Array.from({ length: Math.min(limit, from) }, (_, at) =>
      this.#version({ id, version: from - at }),
    );
    if (documents.length === 0) return [];
    const snapshots = await this.#database.call(() =>
      this.#database.firestore.getAll(...documents),
    );
    return snapshots.flatMap((snapshot) => readVersion(snapshot) ?? []);
  }

  async getVersion(id: string, version: number): Promise<AgentVersion | undefined> {
    const document = this.#version({ id, version });
    return readVersion(await this.#database.call(() => document.get()));
  }

  async transact(
    id: string,
    change: (agent: Agent, now: Date) => Agent,
  ): Promise<Agent | undefined> {
    const token = base62(this.#random(16));
    return this.#database.call(() =>
      this.#database.firestore.runTransaction(async (transaction) => {
        const snapshot = await transaction.get(this.#agent(id));
        const record = readRecord(snapshot);
        if (record === undefined) return undefined;
        // The commit of before is there; only its acknowledgement was lost.
        if (record.lastWriter === token) return record.agent;
        const agent = change(record.agent, snapshot.readTime.toDate());
        if (agent === record.agent) return agent;
        transaction.set(this.#agent(id), toDocument({ ...record, agent, lastWriter: token }));
        if (agent.version > record.agent.version) {
          transaction.create(this.#version(agent), versionDocument(agent));
        }
        return agent;
      }),
    );
  }

  #agent = (id: string): DocumentReference =>
    this.#database.firestore.doc(`${COLLECTIONS.agents}/${id}`);
  #version = ({ id, version }: Pick<Agent, "id" | "version">): DocumentReference =>
    this.#database.firestore.doc(`${COLLECTIONS.agents}/${id}/${COLLECTIONS.versions}/${version}`);
}

function toDocument({ agent: { settings, ...agent }, ...rest }: AgentRecord): object {
  return { ...agent, settingsJson: JSON.stringify(settings), ...rest };
}

function versionDocument({ id, owner, version, name, labels, settings, updatedAt }: Agent): object {
  const settingsJson = JSON.stringify(settings);
  const createdAt = updatedAt;
  return { agentId: id, schemaVersion: 1, owner, version, name, labels, settingsJson, createdAt };
}

function readRecord(snapshot: DocumentSnapshot): AgentRecord | undefined {
  if (!snapshot.exists) return undefined;
  const { requestHash, writer, lastWriter, ...agent } = withSettings<AgentDocument>(snapshot);
  return { agent, requestHash, writer, ...(lastWriter !== undefined && { lastWriter }) };
}

type AgentDocument = Agent & Omit<AgentRecord, "agent">;

function readVersion(snapshot: DocumentSnapshot): AgentVersion | undefined {
  return snapshot.exists ? withSettings<AgentVersion>(snapshot) : undefined;
}

function withSettings<T extends AgentDocument | AgentVersion>(snapshot: DocumentSnapshot): T {
  const { settingsJson, ...rest } = fromDocument(snapshot.data()) as { settingsJson: string };
  return { ...rest, settings: JSON.parse(settingsJson) } as T;
}
