import type { Services } from "../../services/services.ts";
import { acceptAgentOrder, acceptOrder } from "../accept/accept-order.ts";
import { chosenAgent } from "../agents/chosen-agent.ts";
import type { CallOf } from "../http/call.ts";

/** `POST /v1/runs`: accepts a run. */
export async function createRun(services: Services, call: CallOf<"createRun">): Promise<void> {
  const { prompt, agent, labels } = call.body;
  const order = async () => {
    const chosen = await chosenAgent(services, call.owner, agent);
    return { prompt, ...chosen, labels: { ...chosen.labels, ...labels }, parentRunId: null };
  };
  const isStored = typeof agent === "string" || (agent !== undefined && "id" in agent);
  if (isStored) await acceptAgentOrder(services, call, order);
  else await acceptOrder(services, call, await order());
}
