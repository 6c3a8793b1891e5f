import { type AgentChoice, CreateRun } from "../../../shared/documents/run.ts";
import type { Order } from "../../../shared/run/accept.ts";
import type { Services } from "../../services/services.ts";
import { acceptAgentOrder, acceptOrder } from "../accept/accept-order.ts";
import { chosenAgent } from "../agents.ts";
import { validBody } from "../http/body.ts";
import type { Call } from "../http/call.ts";

/** `POST /v1/runs`: accepts a run. */
export async function createRun(services: Services, call: Call): Promise<void> {
  const { prompt, agent, labels } = validBody(call.request, CreateRun);
  const order = async () => {
    const chosen = await agentOf(services, call.owner, agent);
    return { prompt, ...chosen, labels: { ...chosen.labels, ...labels }, parentRunId: null };
  };
  const isStored = typeof agent === "string" || (agent !== undefined && "id" in agent);
  if (isStored) await acceptAgentOrder(services, call, order);
  else await acceptOrder(services, call, await order());
}

/**
 * The agent that a request chooses.
 *
 * @throws {AppError} invalid if there is no such agent or version, agent_archived
 */
export async function agentOf(
  services: Services,
  owner: string,
  choice: AgentChoice | undefined,
): Promise<Pick<Order, "agent" | "settings" | "labels">> {
  if (choice === undefined) return { agent: null, settings: {}, labels: {} };
  if (typeof choice === "string") return chosenAgent(services, owner, { id: choice });
  if ("settings" in choice) return { agent: null, settings: choice.settings, labels: {} };
  return chosenAgent(services, owner, choice);
}
