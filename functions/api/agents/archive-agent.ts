import { type Agent, placeAgent } from "../../../shared/agent/agent.ts";
import type { Services } from "../../services/services.ts";
import type { CallOf } from "../http/call.ts";
import { answerAgent } from "./agent-answer.ts";
import { changeAgent } from "./own-agent.ts";

/** `POST /v1/agents/{id}/archive` */
export async function archiveAgent(
  services: Services,
  call: CallOf<"archiveAgent">,
): Promise<void> {
  const archive = (agent: Agent, now: Date) => placeAgent(agent, "archive", now);
  answerAgent(call, await changeAgent(services, call, archive));
}

/** `POST /v1/agents/{id}/unarchive` */
export async function unarchiveAgent(
  services: Services,
  call: CallOf<"unarchiveAgent">,
): Promise<void> {
  const list = (agent: Agent, now: Date) => placeAgent(agent, "list", now);
  answerAgent(call, await changeAgent(services, call, list));
}
