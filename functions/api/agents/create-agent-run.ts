import type { Services } from "../../services/services.ts";
import { orderRun } from "../accept/order-run.ts";
import type { CallOf } from "../http/call.ts";
import { atVersion } from "./chosen-agent.ts";
import { ownAgent } from "./own-agent.ts";

/** `POST /v1/agents/{id}/runs`; with `dryRun` it only says what would become of it. */
export async function createAgentRun(
  services: Services,
  call: CallOf<"createAgentRun">,
): Promise<void> {
  const { version } = call.body;
  const agent = await ownAgent(services, call.owner, call.params.id);
  await orderRun(services, call, () =>
    atVersion(services, agent, { version, pointer: "/version" }),
  );
}
