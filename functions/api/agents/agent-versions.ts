import { AgentVersion } from "../../../shared/agent/agent.ts";
import { AppError } from "../../../shared/errors.ts";
import type { Services } from "../../services/services.ts";
import type { CallOf } from "../http/call.ts";
import { answerPage } from "../http/page.ts";
import { inOrderOf } from "./agent-answer.ts";
import { ownAgent } from "./own-agent.ts";

/** `GET /v1/agents/{id}/versions`: newest first. */
export async function listAgentVersions(
  services: Services,
  call: CallOf<"listAgentVersions">,
): Promise<void> {
  const { query } = call;
  const { id, version } = await ownAgent(services, call.owner, call.params.id);
  await answerPage(call, query, {
    read: ({ limit, after }) => {
      const from = after === undefined ? version : Math.min(after.rank - 1, version);
      return services.agents.listVersions(id, { from, limit });
    },
    positionOf: (item) => ({ rank: item.version, id }),
    show: (item) => inOrderOf(AgentVersion, item),
  });
}

/** `GET /v1/agents/{id}/versions/{version}` */
export async function getAgentVersion(
  services: Services,
  { params, owner, response }: CallOf<"getAgentVersion">,
): Promise<void> {
  const { id } = await ownAgent(services, owner, params.id);
  const isNumber = /^[1-9]\d{0,8}$/.test(params.version);
  const version = isNumber
    ? await services.agents.getVersion(id, Number(params.version))
    : undefined;
  if (version === undefined) {
    throw new AppError("not_found", { detail: `agent ${id} has no version ${params.version}` });
  }
  response.json(inOrderOf(AgentVersion, version));
}
