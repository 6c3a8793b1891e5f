import { AppError } from "../../../shared/errors.ts";
import { isTriggerId } from "../../../shared/ids.ts";
import { triggerAnswer } from "../../../shared/triggers/change-trigger.ts";
import type { Trigger } from "../../../shared/triggers/trigger.ts";
import type { Services } from "../../services/services.ts";
import type { Call, ItemCall } from "../http/call.ts";

/**
 * The owner's trigger that the path names; one that is absent and one of another owner look the
 * same.
 *
 * @throws {AppError} not_found
 */
export async function ownTrigger(
  { triggers }: Pick<Services, "triggers">,
  { params: { id }, owner }: Pick<ItemCall, "params" | "owner">,
): Promise<Trigger> {
  const trigger = isTriggerId(id) ? await triggers.get(id) : undefined;
  if (trigger?.owner !== owner) throw noTrigger(id);
  return trigger;
}

/**
 * Changes the trigger that the path names.
 *
 * @param change see `TriggerStore.transact`
 * @throws {AppError} not_found; what `change` throws
 */
export async function changeTrigger(
  { triggers }: Pick<Services, "triggers">,
  { params: { id }, owner }: Pick<ItemCall, "params" | "owner">,
  change: (trigger: Trigger, now: Date) => Trigger,
): Promise<Trigger> {
  if (!isTriggerId(id)) throw noTrigger(id);
  const changed = await triggers.transact(id, (trigger, now) => {
    if (trigger.owner !== owner) throw noTrigger(id);
    return change(trigger, now);
  });
  if (changed === undefined) throw noTrigger(id);
  return changed;
}

export function noTrigger(id: string): AppError {
  return new AppError("not_found", { detail: `there is no trigger ${id}` });
}

export const etagOf = ({ revision }: Pick<Trigger, "revision">): string => `"${revision}"`;

/**
 * Answers with a trigger, and with its ETag.
 *
 * @param secret its hook's, if it was just made
 */
export function answerTrigger({ response }: Call, trigger: Trigger, secret?: string): void {
  response.set("ETag", etagOf(trigger)).json(triggerAnswer(trigger, secret));
}
