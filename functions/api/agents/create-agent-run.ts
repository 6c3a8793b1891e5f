import type { Services } from "../../services/services.ts";
import { acceptAgentOrder } from "../accept/accept-order.ts";
import type { CallOf } from "../http/call.ts";
import { atVersion } from "./chosen-agent.ts";
import { ownAgent } from "./own-agent.ts";

/** `POST /v1/agents/{id}/runs` */
export async function createAgentRun(
  services: Services,
  call: CallOf<"createAgentRun">,
): Promise<void> {
  const { prompt, version, labels } = call.body;
  const agent = await ownAgent(services, call.owner, call.params.id);
  await acceptAgentOrder(services, call, async () => {
    const chosen = await atVersion(services, agent, { version, pointer: "/version" });
    return { prompt, ...chosen, labels: { ...chosen.labels, ...labels }, parentRunId: null };
  });
}
