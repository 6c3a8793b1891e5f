import { Agent } from "../../../shared/agent/agent.ts";
import { positionOf } from "../../services/page.ts";
import type { Services } from "../../services/services.ts";
import type { CallOf } from "../http/call.ts";
import { answerPage } from "../http/page.ts";
import { inOrderOf } from "./agent-answer.ts";

/** `GET /v1/agents`: newest first. */
export async function listAgents({ agents }: Services, call: CallOf<"listAgents">): Promise<void> {
  const { query } = call;
  const archived = query.archived === "true";
  await answerPage(call, query, {
    read: (part) => agents.list({ owner: call.owner, archived }, part),
    positionOf,
    show: (agent: Agent) => inOrderOf(Agent, agent),
  });
}
