import type { TestEvent, TriggerTest } from "../../../shared/api/triggers.ts";
import { AppError } from "../../../shared/errors.ts";
import { isFiringId } from "../../../shared/ids.ts";
import type { Order } from "../../../shared/run/accept.ts";
import { newTrigger } from "../../../shared/triggers/change-trigger.ts";
import { HOOK_EVENT } from "../../../shared/triggers/hook.ts";
import { defaultKey, firingIdOf } from "../../../shared/triggers/ids.ts";
import type { IncomingEvent } from "../../../shared/triggers/incoming-event.ts";
import { isFor } from "../../../shared/triggers/route.ts";
import { nextTick, tickEvent } from "../../../shared/triggers/schedule.ts";
import type { Firing, Trigger } from "../../../shared/triggers/trigger.ts";
import type { Services } from "../../services/services.ts";
import { refuseTooMuch } from "../accept/accept-order.ts";
import { chosenAgent } from "../agents/chosen-agent.ts";
import { invalid } from "../http/body.ts";
import type { CallOf } from "../http/call.ts";
import { checkedTrigger } from "./checked-trigger.ts";
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

/** An event, and the firing that it was of, which is then no duplicate. */
interface Occasion {
  event: IncomingEvent;
  firing: Firing | undefined;
}

/** @throws {AppError} invalid, not_found */
async function occasionOf(
  services: Services,
  trigger: Trigger,
  { event, firing: id }: { event?: TestEvent; firing?: string },
): Promise<Occasion> {
  if (id !== undefined) return storedOccasion(services, trigger.owner, id);
  const { source } = trigger;
  if (event !== undefined) return { event: eventOf(source, event), firing: undefined };
  const tick = source.kind === "schedule" ? nextTick(source, services.now()) : null;
  if (tick !== null) return { event: tickEvent(trigger.id, tick), firing: undefined };
  const detail = "is required, or the id of a firing: what is the trigger to be tried on?";
  throw invalid([{ pointer: "/event", detail }]);
}

/**
 * The event of an owner's firing.
 *
 * @throws {AppError} not_found
 */
async function storedOccasion(
  { triggers, events }: Pick<Services, "triggers" | "events">,
  owner: string,
  id: string,
): Promise<{ event: IncomingEvent; firing: Firing }> {
  const firing = isFiringId(id) ? await triggers.getFiring(id) : undefined;
  if (firing?.owner !== owner) {
    throw new AppError("not_found", { detail: `there is no firing ${id}` });
  }
  const event = await events.read(firing.event.object);
  if (event !== undefined) return { event, firing };
  throw new AppError("not_found", { detail: `the event of firing ${id} is kept no longer` });
}

function eventOf(source: Trigger["source"], given: TestEvent): IncomingEvent {
  const { id = "test", source: from = "//runyard/test", type = typeOf(source) } = given;
  const { id: _id, source: _source, type: _type, data = null, ...rest } = given;
  const { subject, time, datacontenttype, ...extensions } = rest;
  return {
    id,
    source: from,
    type,
    ...(subject !== undefined && { subject }),
    ...(time !== undefined && { time }),
    ...(datacontenttype !== undefined && { datacontenttype }),
    extensions: extensions as IncomingEvent["extensions"],
    data,
  };
}

function typeOf(source: Trigger["source"]): string {
  if (source.kind === "event") return source.type;
  if (source.kind === "webhook") return HOOK_EVENT;
  if (source.kind === "schedule") return "runyard.trigger.tick.v1";
  return `runyard.run.${source.status === "any" ? "succeeded" : source.status}.v1`;
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
    const agent = await refuseOrder(services, trigger, evaluation.prompt);
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
 * The agent that the run would have.
 *
 * @throws {AppError} what ordering the run would throw
 */
async function refuseOrder(
  services: Services,
  trigger: Trigger,
  prompt: string,
): Promise<TriggerTest["agent"]> {
  const { owner, labels } = trigger;
  const chosen = await chosenAgent(services, owner, trigger.agent ?? undefined);
  const merged = { ...chosen.labels, ...labels };
  const order: Order = { prompt, ...chosen, labels: merged, parentRunId: null };
  await refuseTooMuch(services, owner, order);
  await services.runs.tryCreate(owner);
  return chosen.agent;
}
