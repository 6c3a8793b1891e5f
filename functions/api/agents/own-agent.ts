import { AGENT_ID, type Agent } from "../../../shared/agent/agent.ts";
import { AppError } from "../../../shared/errors.ts";
import type { Services } from "../../services/services.ts";
import type { ItemCall } from "../http/call.ts";

/** An agent of this owner. One that is absent and one of another owner look the same. */
export async function findAgent(
  { agents }: Services,
  owner: string,
  id: string,
): Promise<Agent | undefined> {
  if (!isAgentId(id)) return undefined;
  const agent = await agents.get(id);
  return agent?.owner === owner ? agent : undefined;
}

/**
 * {@link findAgent}, for one that has to be there.
 *
 * @throws {AppError} not_found
 */
export async function ownAgent(services: Services, owner: string, id: string): Promise<Agent> {
  const agent = await findAgent(services, owner, id);
  if (agent === undefined) throw noAgent(id);
  return agent;
}

/**
 * Changes the agent that the path names.
 *
 * @param change see `AgentStore.transact`
 * @throws {AppError} not_found; what `change` throws
 */
export async function changeAgent(
  { agents }: Services,
  { params: { id }, owner }: ItemCall,
  change: (agent: Agent, now: Date) => Agent,
): Promise<Agent> {
  if (!isAgentId(id)) throw noAgent(id);
  const agent = await agents.transact(id, (before, now) => {
    if (before.owner !== owner) throw noAgent(id);
    return change(before, now);
  });
  if (agent === undefined) throw noAgent(id);
  return agent;
}

export function noAgent(id: string): AppError {
  return new AppError("not_found", { detail: `there is no agent ${id}` });
}

function isAgentId(text: string): boolean {
  return new RegExp(AGENT_ID).test(text);
}
