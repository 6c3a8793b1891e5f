import type { Order } from "../../../shared/run/accept.ts";
import type { Services } from "../../services/services.ts";
import { acceptRequest, placeOrder } from "../accept/accept-order.ts";
import { answerDryRun, isDryRun } from "../accept/dry-run.ts";
import { filesOf } from "../accept/files.ts";
import { workspaceFrom } from "../accept/workspace.ts";
import { chosenAgent } from "../agents/chosen-agent.ts";
import type { CallOf } from "../http/call.ts";

/** `POST /v1/runs`: accepts a run; with `dryRun` it only says what would become of it. */
export async function createRun(services: Services, call: CallOf<"createRun">): Promise<void> {
  const isTried = isDryRun(call.query);
  const { prompt, agent, labels, files, workspace } = call.body;
  const orderNow = async (): Promise<Order> => {
    const chosen = await chosenAgent(services, call.owner, agent);
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
