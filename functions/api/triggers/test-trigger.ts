import { resolveAgent } from "../../../shared/agent/settings.ts";
import type { TriggerTest } from "../../../shared/api/triggers.ts";
import { AppError } from "../../../shared/errors.ts";
import type { Order } from "../../../shared/run/accept.ts";
import { newTrigger } from "../../../shared/triggers/change-trigger.ts";
import { microsOf } from "../../../shared/triggers/counts.ts";
import { defaultKey, firingIdOf } from "../../../shared/triggers/ids.ts";
import { isFor } from "../../../shared/triggers/route.ts";
import type { Trigger } from "../../../shared/triggers/trigger.ts";
import type { Services } from "../../services/services.ts";
import { refuseTooMuch } from "../accept/accept-order.ts";
import { chosenAgent } from "../agents/chosen-agent.ts";
import { invalid } from "../http/body.ts";
import type { CallOf } from "../http/call.ts";
import { checkedTrigger } from "./checked-trigger.ts";
import { type Occasion, occasionOf } from "./occasion.ts";
import { ownTrigger } from "./own-trigger.ts";

/** `POST /v1/triggers/{id}/test`: writes nothing. */
export async function testTrigger(services: Services, call: CallOf<"testTrigger">): Promise<void> {
  const trigger = await ownTrigger(services, call);
  const occasion = await occasionOf(services, trigger, call.body);
  call.response.json(await tried(services, trigger, occasion));
}

/** `POST /v1/triggers/test`: writes nothing. */
export async function testNewTrigger(
  services: Services,
  { body, owner, response }: CallOf<"testNewTrigger">,
): Promise<void> {
  const content = await checkedTrigger(services, owner, body.trigger).catch((error: unknown) => {
    const { faults = [] } = error instanceof AppError ? error : {};
    if (faults.length === 0) throw error;
    throw invalid(faults.map((one) => ({ ...one, pointer: `/trigger${one.pointer}` })));
  });
  const trigger = newTrigger({ id: "test", owner, now: services.now(), secrets: null }, content);
  const occasion = await occasionOf(services, trigger, body);
  response.json(await tried(services, trigger, occasion));
}

const NOTHING = { matches: null, key: null, conversation: null, prompt: null, agent: null };

async function tried(
  services: Services,
  trigger: Trigger,
  { event, firing }: Occasion,
): Promise<TriggerTest> {
  const isOfSource = isFor(trigger.source, event);
  const evaluation = await services.expressions.over(event).evaluate(trigger);
  if ("error" in evaluation) {
    return { outcome: "error", why: evaluation.error, isOfSource, ...NOTHING };
  }
  if (!evaluation.matches) {
    const { why } = evaluation;
    return { outcome: "filtered", why, isOfSource, ...NOTHING, matches: false };
  }
  const key = evaluation.key ?? firing?.key ?? defaultKey(event);
  const found = { isOfSource, ...NOTHING, ...evaluation, key };
  const isAgain = firing === undefined && (await wasFired(services, trigger, key));
  if (isAgain) return { outcome: "duplicate", why: "An event of this key was decided.", ...found };
  try {
    const { agent, budgetMicros } = await refuseOrder(services, trigger, evaluation.prompt);
    const asked = { budgetMicros, start: 0, now: services.now() };
    const room = await services.firings.roomOf(trigger, asked);
    if ("full" in room) return { outcome: "limited", why: room.full, ...found, agent };
    return { outcome: "matched", why: null, ...found, agent };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const outcome = error.code === "limit_reached" ? "limited" : "error";
    return { outcome, why: error.message, ...found };
  }
}

async function wasFired(
  { triggers }: Pick<Services, "triggers">,
  { id }: Trigger,
  key: string,
): Promise<boolean> {
  return (await triggers.getFiring(firingIdOf(id, { key }))) !== undefined;
}

/**
 * The agent that the run would have, and what it could spend.
 *
 * @throws {AppError} what ordering the run would throw
 */
async function refuseOrder(
  services: Services,
  trigger: Trigger,
  prompt: string,
): Promise<{ agent: TriggerTest["agent"]; budgetMicros: number }> {
  const { owner, labels } = trigger;
  const chosen = await chosenAgent(services, owner, trigger.agent ?? undefined);
  const merged = { ...chosen.labels, ...labels };
  const order: Order = { prompt, ...chosen, labels: merged, parentRunId: null };
  await refuseTooMuch(services, owner, order);
  await services.runs.tryCreate(owner);
  const budgetMicros = microsOf(resolveAgent(order.settings).maxBudgetUsd);
  return { agent: chosen.agent, budgetMicros };
}
