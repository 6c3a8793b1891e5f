import type { TriggerTest } from "../../../shared/api/triggers.ts";
import { AppError } from "../../../shared/errors.ts";
import { newTrigger } from "../../../shared/triggers/change-trigger.ts";
import { defaultKey, firingIdOf } from "../../../shared/triggers/ids.ts";
import { isFor } from "../../../shared/triggers/route.ts";
import type { Trigger } from "../../../shared/triggers/trigger.ts";
import { asking, refusalOf } from "../../events/fire.ts";
import { orderedRun, refusalBy } from "../../events/ordered-run.ts";
import type { Services } from "../../services/services.ts";
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
  const refusal = isOfSource ? refusalOf(services, trigger, event) : undefined;
  if (refusal !== undefined) return { ...refusal, isOfSource, ...NOTHING };
  const asked = asking(services, { event });
  const evaluation = await asked.expressions.evaluate(trigger);
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
  const ordered = await orderedRun(services, trigger, { asked, prompt: evaluation.prompt });
  if ("outcome" in ordered) return { ...ordered, ...found };
  const { order, budgetMicros } = ordered;
  const chosen = { ...found, agent: order.agent };
  try {
    await services.runs.tryCreate(trigger.owner);
  } catch (error) {
    return { ...refusalBy(error), ...chosen };
  }
  const limits = { budgetMicros, start: 0, now: services.now() };
  const room = await services.firings.roomOf(trigger, limits);
  if ("full" in room) return { outcome: "limited", why: room.full, ...chosen };
  return { outcome: "matched", why: null, ...chosen };
}

async function wasFired(
  { triggers }: Pick<Services, "triggers">,
  { id }: Trigger,
  key: string,
): Promise<boolean> {
  return (await triggers.getFiring(firingIdOf(id, { key }))) !== undefined;
}
