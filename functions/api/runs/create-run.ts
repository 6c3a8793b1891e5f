import type { Services } from "../../services/services.ts";
import { orderRun } from "../accept/order-run.ts";
import { chosenAgent } from "../agents/chosen-agent.ts";
import type { CallOf } from "../http/call.ts";

/** `POST /v1/runs`: accepts a run; with `dryRun` it only says what would become of it. */
export async function createRun(services: Services, call: CallOf<"createRun">): Promise<void> {
  await orderRun(services, call, () => chosenAgent(services, call.owner, call.body.agent));
}
