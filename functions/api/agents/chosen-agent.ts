import type { Agent } from "../../../shared/agent/agent.ts";
import type { AgentChoice } from "../../../shared/documents/agent-choice.ts";
import type { AgentRef } from "../../../shared/documents/run.ts";
import { AppError } from "../../../shared/errors.ts";
import type { Order } from "../../../shared/run/accept.ts";
import type { Services } from "../../services/services.ts";
import { invalid } from "../http/body.ts";
import { findAgent } from "./own-agent.ts";

/** What an order takes from the agent that it is for. */
export type Chosen = Pick<Order, "agent" | "settings" | "labels">;

/**
 * The agent that a request chooses.
 *
 * @throws {AppError} invalid if there is no such agent or version, agent_archived
 */
export async function chosenAgent(
  services: Services,
  owner: string,
  choice: AgentChoice | undefined,
): Promise<Chosen> {
  if (choice === undefined) return { agent: null, settings: {}, labels: {} };
  if (typeof choice === "string") return storedAgent(services, owner, { id: choice });
  if ("settings" in choice) return { agent: null, settings: choice.settings, labels: {} };
  return storedAgent(services, owner, choice);
}

/**
 * A stored agent that a run shall execute, at its latest or a given version.
 *
 * @throws {AppError} invalid if there is no such agent or version, agent_archived
 */
async function storedAgent(
  services: Services,
  owner: string,
  { id, version }: Pick<AgentRef, "id"> & Partial<AgentRef>,
): Promise<Chosen> {
  const agent = await findAgent(services, owner, id);
  if (agent === undefined) {
    throw invalid([{ pointer: "/agent", detail: `names ${id}, and there is no such agent` }]);
  }
  return atVersion(services, agent, { version, pointer: "/agent/version" });
}

/**
 * What a run takes from an agent, at its latest or a given version.
 *
 * @param asked.pointer to the version in the request's body
 * @throws {AppError} invalid if there is no such version, agent_archived
 */
export async function atVersion(
  { agents }: Services,
  agent: Agent,
  { version = agent.version, pointer }: { version?: number | undefined; pointer: string },
): Promise<Chosen> {
  if (agent.archivedAt !== null) {
    const { id } = agent;
    const detail = `agent ${id} is archived; send POST /v1/agents/${id}/unarchive first`;
    throw new AppError("agent_archived", { detail });
  }
  const found = version === agent.version ? agent : await agents.getVersion(agent.id, version);
  if (found === undefined) {
    const detail = `is ${version}, and agent ${agent.id} has the versions 1 to ${agent.version}`;
    throw invalid([{ pointer, detail }]);
  }
  return { agent: { id: agent.id, version }, settings: found.settings, labels: found.labels };
}
