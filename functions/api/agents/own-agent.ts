import { AGENT_ID, type Agent } from "../../../shared/agent/agent.ts";
import { AppError } from "../../../shared/errors.ts";
import type { Services } from "../../services/services.ts";
import type { ItemCall } from "../http/call.ts";

/**
 * An agent of this owner, by its id or its name. One that is absent and one of another owner look
 * the same; of several of a name the one that is not archived is meant.
 *
 * @throws {AppError} conflict if the name is that of several
 */
export async function findAgent(
  { agents }: Services,
  owner: string,
  idOrName: string,
): Promise<Agent | undefined> {
  if (isAgentId(idOrName)) {
    const agent = await agents.get(idOrName);
    return agent?.owner === owner ? agent : undefined;
  }
  const all = await agents.named(owner, idOrName);
  const listed = all.filter(({ archivedAt }) => archivedAt === null);
  const [agent, ...others] = listed.length > 0 ? listed : all;
  if (agent === undefined || others.length === 0) return agent;
  const ids = [agent, ...others].slice(0, NAMED).map(({ id }) => id);
  const detail = `${others.length + 1} agents have the name ${idOrName}; use the id of one of them: ${ids.join(", ")}`;
  throw new AppError("conflict", { detail });
}

/** Ids that an error names. */
const NAMED = 3;

/**
 * The id of an agent that a request names by its id or its name; an id need not be that of one.
 *
 * @throws {AppError} not_found, conflict
 */
async function agentIdOf(services: Services, owner: string, idOrName: string): Promise<string> {
  return isAgentId(idOrName) ? idOrName : (await ownAgent(services, owner, idOrName)).id;
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
  services: Services,
  { params, owner }: ItemCall,
  change: (agent: Agent, now: Date) => Agent,
): Promise<Agent> {
  const id = await agentIdOf(services, owner, params.id);
  const agent = await services.agents.transact(id, (before, now) => {
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
