import type { TestEvent } from "../../../shared/api/triggers.ts";
import { AppError } from "../../../shared/errors.ts";
import { isFiringId } from "../../../shared/ids.ts";
import { HOOK_EVENT } from "../../../shared/triggers/hook.ts";
import type { IncomingEvent } from "../../../shared/triggers/incoming-event.ts";
import { nextTick, tickEvent } from "../../../shared/triggers/schedule.ts";
import type { Firing, Trigger } from "../../../shared/triggers/trigger.ts";
import type { Services } from "../../services/services.ts";
import { invalid } from "../http/body.ts";

/** An event, and the firing that it was of, which is then no duplicate. */
export interface Occasion {
  event: IncomingEvent;
  firing: Firing | undefined;
}

/** @throws {AppError} invalid, not_found */
export async function occasionOf(
  services: Services,
  trigger: Trigger,
  { event, firing: id }: { event?: TestEvent; firing?: string },
): Promise<Occasion> {
  if (id !== undefined) return storedOccasion(services, trigger, id);
  const { source } = trigger;
  if (event !== undefined) return { event: eventOf(source, event), firing: undefined };
  const tick = source.kind === "schedule" ? nextTick(source, services.now()) : null;
  if (tick !== null) return { event: tickEvent(trigger.id, tick), firing: undefined };
  const detail = "is required, or the id of a firing: what is the trigger to be tried on?";
  throw invalid([{ pointer: "/event", detail }]);
}

/**
 * The event of a firing of the trigger's owner.
 *
 * @throws {AppError} not_found
 */
export async function storedOccasion(
  { triggers, events }: Pick<Services, "triggers" | "events">,
  { owner }: Pick<Trigger, "owner">,
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
