import { type Agent, type CreateAgent, newAgent } from "../../../shared/agent/agent.ts";
import type { Services } from "../../services/services.ts";
import { acceptanceOf, confirmReplay, refuseSettings } from "../accept/accept-order.ts";
import type { Call, CallOf } from "../http/call.ts";
import { answerAgent } from "./agent-answer.ts";

/** `POST /v1/agents` */
export async function createAgent(services: Services, call: CallOf<"createAgent">): Promise<void> {
  const agent = await storeAgent(services, call, call.body);
  call.response.status(201).set("Location", `/v1/agents/${agent.id}`);
  answerAgent(call, agent);
}

/**
 * Stores a new agent, or finds the one of the same Idempotency-Key.
 *
 * @throws {AppError} idempotency_key_reused, invalid
 */
export async function storeAgent(
  services: Services,
  call: Call,
  content: CreateAgent,
): Promise<Agent> {
  refuseSettings(services, content.settings ?? {}, "/settings");
  const { id, owner, now, requestHash, writer } = acceptanceOf(services, call);
  const agent = newAgent({ id: id.replace(/^run_/, "agent_"), owner, now }, content);
  const existing = await services.agents.create({ agent, requestHash, writer });
  if (existing === undefined) return agent;
  confirmReplay(call.response, existing, { requestHash });
  return existing.agent;
}
