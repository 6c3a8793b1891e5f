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
  const { settings = {} } = content;
  const { id: runId, owner, now, requestHash, writer } = acceptanceOf(services, call);
  const id = runId.replace(/^run_/, "agent_");
  const agent = newAgent({ id, owner, now }, content);
  const existing = await refuseSettings(services, owner, { settings, pointer: "/settings" }).then(
    () => services.agents.create({ agent, requestHash, writer }),
    async (error: unknown) => {
      // A request that was accepted before is answered as it was then, whatever is refused by now.
      const before = await services.agents.getRecord(id);
      if (before !== undefined) return before;
      throw error;
    },
  );
  if (existing === undefined) return agent;
  confirmReplay(call.response, existing, { requestHash });
  return existing.agent;
}
