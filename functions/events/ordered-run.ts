import { resolveAgent } from "../../shared/agent/settings.ts";
import { AppError } from "../../shared/errors.ts";
import type { Order } from "../../shared/run/accept.ts";
import { microsOf } from "../../shared/triggers/counts.ts";
import type { IncomingEvent } from "../../shared/triggers/incoming-event.ts";
import type { Firing, Trigger } from "../../shared/triggers/trigger.ts";
import { refuseTooMuch } from "../api/accept/accept-order.ts";
import { chosenAgent } from "../api/agents/chosen-agent.ts";
import { describeError } from "../log.ts";
import type { Services } from "../services/services.ts";
import { eventFile, withWarning } from "./event-file.ts";

/** Why an event starts no run. */
export type Refusal = Pick<Firing, "outcome" | "why">;

/** The run's order, with the agent as the trigger's owner has it now; or why there can be none. */
export async function orderedRun(
  services: Services,
  { owner, agent, labels }: Trigger,
  { asked, prompt }: { asked: { event: IncomingEvent; object: string }; prompt: string },
): Promise<{ order: Order; budgetMicros: number } | Refusal> {
  try {
    const chosen = await chosenAgent(services, owner, agent ?? undefined);
    const order: Order = {
      prompt: withWarning(prompt),
      ...chosen,
      labels: { ...chosen.labels, ...labels },
      parentRunId: null,
      files: [eventFile(asked.event, asked.object)],
    };
    await refuseTooMuch(services, owner, order);
    return { order, budgetMicros: microsOf(resolveAgent(order.settings).maxBudgetUsd) };
  } catch (error) {
    return refusalBy(error);
  }
}

/** What passes is thrown on: the event comes again. */
export function refusalBy(error: unknown): Refusal {
  if (!(error instanceof AppError)) throw error;
  const { code, retry, faults } = error;
  if (code === "limit_reached") return { outcome: "limited", why: error.message };
  if (retry) throw error;
  const [fault] = faults;
  const why = fault ? `${fault.pointer.slice(1)} ${fault.detail}` : describeError(error);
  return { outcome: "error", why };
}
