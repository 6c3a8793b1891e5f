import { mergePatch } from "../../../shared/api/merge-patch.ts";
import { AppError } from "../../../shared/errors.ts";
import { isTriggerId } from "../../../shared/ids.ts";
import { validatorOf } from "../../../shared/schema/validate.ts";
import {
  contentOf,
  reviseTrigger,
  rotateSecret,
  secretKindOf,
} from "../../../shared/triggers/change-trigger.ts";
import { CreateTrigger, type HookSecrets, type Trigger } from "../../../shared/triggers/trigger.ts";
import type { Services } from "../../services/services.ts";
import { invalid } from "../http/body.ts";
import type { CallOf } from "../http/call.ts";
import { refuseStale } from "../http/etag.ts";
import { checkedTrigger } from "./checked-trigger.ts";
import { keptSecret, newHookSecret } from "./hook-secret.ts";
import { answerTrigger, changeTrigger, etagOf, noTrigger, ownTrigger } from "./own-trigger.ts";

/** How often a patch is made anew because somebody else changed the trigger meanwhile. */
const TRIES = 5;

/** `PATCH /v1/triggers/{id}`: a JSON merge patch; one that becomes a hook gets a secret. */
export async function patchTrigger(
  services: Services,
  call: CallOf<"patchTrigger">,
): Promise<void> {
  const { body: patch, owner } = call;
  const resumes = patch["enabled"] === true;
  for (let tries = 1; tries <= TRIES; tries += 1) {
    const read = await ownTrigger(services, call);
    refuseStale(call.request, named(read));
    const content = await checkedTrigger(services, owner, patched(read, patch));
    const { secrets, shown } = secretsOf(services, read, content);
    let isStale = false;
    const trigger = await changeTrigger(services, call, (before, now) => {
      refuseStale(call.request, named(before));
      isStale = before.revision !== read.revision;
      return isStale ? before : reviseTrigger(before, { content, secrets, resumes }, now);
    });
    if (!isStale) return answerTrigger(call, trigger, shown);
  }
  const detail = `trigger ${call.params.id} is being changed by many at once`;
  throw new AppError("unavailable", { detail });
}

const named = (trigger: Trigger) => ({ is: `trigger ${trigger.id}`, etag: etagOf(trigger) });

/**
 * Of unions nothing is left of what was there before: members of one kind are none of another's.
 *
 * @throws {AppError} invalid if this is no trigger
 */
function patched(trigger: Trigger, patch: Record<string, unknown>): CreateTrigger {
  const { source, agent, ...rest } = contentOf(trigger);
  const whole = { ...rest, ...(patch["source"] === undefined && { source }) };
  const before = patch["agent"] === undefined && agent !== undefined ? { ...whole, agent } : whole;
  const result = validatorOf(CreateTrigger)(mergePatch(before, patch));
  if (!result.ok) throw invalid(result.faults);
  return result.value;
}

/** Those of before as long as they serve; `shown`: one that was made now. */
function secretsOf(
  services: Services,
  { id, source, secrets }: Trigger,
  content: CreateTrigger,
): { secrets: HookSecrets | null; shown?: string } {
  const kind = secretKindOf(content);
  if (kind === null) return { secrets: null };
  if (kind === secretKindOf({ source }) && secrets !== null) return { secrets };
  const { kept, shown } = newHookSecret(services, { id, source: content.source });
  return { secrets: { current: kept, previous: null, previousUntil: null }, shown };
}

/** `POST /v1/triggers/{id}/secret` */
export async function rotateTriggerSecret(
  services: Services,
  call: CallOf<"rotateTriggerSecret">,
): Promise<void> {
  const { secret: given } = call.body;
  let shown: string | undefined;
  const trigger = await changeTrigger(services, call, (before, now) => {
    if (before.source.kind !== "webhook") {
      const detail = `trigger ${before.id} is no webhook: it has no secret`;
      throw new AppError("conflict", { detail });
    }
    const secret = given === undefined ? newHookSecret(services, before) : undefined;
    shown = secret?.shown ?? given ?? "";
    return rotateSecret(before, secret?.kept ?? keptSecret(services, before, shown), now);
  });
  answerTrigger(call, trigger, shown);
}

/** `DELETE /v1/triggers/{id}` */
export async function deleteTrigger(
  { triggers }: Services,
  { params: { id }, owner, response }: CallOf<"deleteTrigger">,
): Promise<void> {
  let isThere = false;
  if (!isTriggerId(id)) throw noTrigger(id);
  await triggers.transact(id, (trigger) => {
    isThere = trigger.owner === owner;
    return isThere ? null : trigger;
  });
  if (!isThere) throw noTrigger(id);
  response.status(204).end();
}
