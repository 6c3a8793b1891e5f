import type { Order } from "../../../shared/run/accept.ts";
import type { Services } from "../../services/services.ts";
import { acceptRequest, placeOrder } from "../accept/accept-order.ts";
import { answerDryRun, isDryRun } from "../accept/dry-run.ts";
import { filesOf } from "../accept/files.ts";
import { workspaceFrom } from "../accept/workspace.ts";
import type { CallOf } from "../http/call.ts";
import { atVersion } from "./chosen-agent.ts";
import { ownAgent } from "./own-agent.ts";

/** `POST /v1/agents/{id}/runs`; with `dryRun` it only says what would become of it. */
export async function createAgentRun(
  services: Services,
  call: CallOf<"createAgentRun">,
): Promise<void> {
  const isTried = isDryRun(call.query);
  const { prompt, version, labels, files, workspace } = call.body;
  const agent = await ownAgent(services, call.owner, call.params.id);
  const orderNow = async (): Promise<Order> => {
    const chosen = await atVersion(services, agent, { version, pointer: "/version" });
    const { settings } = chosen;
    return {
      prompt,
      ...chosen,
      ...(await workspaceFrom(services, call.owner, { given: workspace, settings })),
      labels: { ...chosen.labels, ...labels },
      parentRunId: null,
      files: await filesOf(services, call.owner, files),
    };
  };
  if (isTried) await answerDryRun(services, call, await orderNow());
  else
    await acceptRequest(services, call, async () => placeOrder(services, call, await orderNow()));
}
