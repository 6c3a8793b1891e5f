import type { Agent, AgentVersion } from "../../shared/agent/agent.ts";
import type { Part } from "./page.ts";

/** An agent with what the server alone knows: who wrote it, and for which request. */
export interface AgentRecord {
  agent: Agent;
  /** SHA-256 of the body that an Idempotency-Key is held to. */
  requestHash: string;
  /** Random; says whether a document is the one that we wrote. */
  writer: string;
  /** Random; the same of the change that was the last. */
  lastWriter?: string;
}

/** Stored agents with their versions. */
export interface AgentStore {
  /**
   * Writes a new agent and its first version in one commit. If an agent of that id is there
   * already, nothing is written and it is returned; a commit of our own whose acknowledgement was
   * lost counts as written.
   */
  create(record: AgentRecord): Promise<AgentRecord | undefined>;
  get(id: string): Promise<Agent | undefined>;
  getRecord(id: string): Promise<AgentRecord | undefined>;
  /** An owner's agents of this name, archived ones too, at most a few. */
  named(owner: string, name: string): Promise<Agent[]>;
  /** A part of an owner's agents, newest first; those that are archived only if asked for. */
  list(filter: { owner: string; archived: boolean }, part: Part): Promise<Agent[]>;
  /**
   * The versions of an agent downwards from `from`, at most `limit`: there is one for each number.
   */
  listVersions(id: string, part: { from: number; limit: number }): Promise<AgentVersion[]>;
  getVersion(id: string, version: number): Promise<AgentVersion | undefined>;
  /**
   * Changes an agent in one transaction; a version that is new is written with it.
   *
   * @param change makes the agent as it shall be; the same object: nothing is written. What it
   * throws ends the transaction. `now` is the transaction's read time.
   * @returns undefined: there is no such agent
   */
  transact(id: string, change: (agent: Agent, now: Date) => Agent): Promise<Agent | undefined>;
}
