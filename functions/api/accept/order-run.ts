import type { Order } from "../../../shared/run/accept.ts";
import type { Services } from "../../services/services.ts";
import type { Chosen } from "../agents/chosen-agent.ts";
import type { CallOf } from "../http/call.ts";
import { acceptRequest, placeOrder } from "./accept-order.ts";
import { answerDryRun, isDryRun } from "./dry-run.ts";
import { filesOf } from "./files.ts";
import { webhookOf } from "./webhook.ts";
import { workspaceFrom } from "./workspace.ts";

/**
 * Accepts a run that begins a conversation; with `dryRun` it only says what would become of it.
 *
 * @param choose finds the agent, unless the request was accepted before
 */
export async function orderRun(
  services: Services,
  call: CallOf<"createRun"> | CallOf<"createAgentRun">,
  choose: () => Promise<Chosen>,
): Promise<void> {
  const { owner } = call;
  const { prompt, labels, files, workspace, deliver } = call.body;
  const webhook = "webhook" in call.body ? call.body.webhook : undefined;
  const orderNow = async (): Promise<Order> => {
    const chosen = await choose();
    const { settings } = chosen;
    return {
      prompt,
      ...chosen,
      ...(await workspaceFrom(services, owner, { given: workspace, settings })),
      labels: { ...chosen.labels, ...labels },
      parentRunId: null,
      files: await filesOf(services, owner, files),
      deliver,
      webhook: await webhookOf(services, owner, webhook),
    };
  };
  if (isDryRun(call.query)) return answerDryRun(services, call, await orderNow());
  await acceptRequest(services, call, async () => placeOrder(services, call, await orderNow()));
}
