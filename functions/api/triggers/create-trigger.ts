import { TRIGGER_LIMITS } from "../../../shared/limits.ts";
import type { Acceptance } from "../../../shared/run/accept.ts";
import { newTrigger } from "../../../shared/triggers/change-trigger.ts";
import type { CreateTrigger, Trigger } from "../../../shared/triggers/trigger.ts";
import type { Services } from "../../services/services.ts";
import type { TriggerRecord } from "../../services/triggers.ts";
import { acceptanceOf, confirmReplay } from "../accept/accept-order.ts";
import { invalid } from "../http/body.ts";
import type { CallOf } from "../http/call.ts";
import { checkedTrigger } from "./checked-trigger.ts";
import { newHookSecret } from "./hook-secret.ts";
import { answerTrigger } from "./own-trigger.ts";

/** `POST /v1/triggers` */
export async function createTrigger(
  services: Services,
  call: CallOf<"createTrigger">,
): Promise<void> {
  const { body, response } = call;
  const acceptance = acceptanceOf(services, call);
  const id = acceptance.id.replace(/^run_/, "trg_");
  const { record, secret } = await stored(services, { ...acceptance, id }, body).catch(
    async (error: unknown) => {
      // A request that was accepted before is answered so, whatever is refused by now.
      const before = await services.triggers.getRecord(id);
      if (before !== undefined) return { record: before, secret: undefined };
      throw error;
    },
  );
  if (record.writer !== acceptance.writer) confirmReplay(response, record, acceptance);
  response.status(201).set("Location", `/v1/triggers/${id}`);
  answerTrigger(call, record.trigger, secret);
}

/**
 * @returns the trigger as it is there, by whomever, and its hook's secret if it was made now
 * @throws {AppError} what {@link checkedTrigger} throws; limit_reached where the owner has too
 * many, invalid where an event would be asked of too many
 */
async function stored(
  services: Services,
  acceptance: Acceptance,
  body: CreateTrigger,
): Promise<{ record: TriggerRecord; secret: string | undefined }> {
  const { id, owner, now, requestHash, writer } = acceptance;
  const content = await checkedTrigger(services, owner, body);
  const isHook = content.source.kind === "webhook";
  const secret = isHook ? newHookSecret(services, { id, source: content.source }) : undefined;
  const secrets = secret ? { current: secret.kept, previous: null, previousUntil: null } : null;
  const trigger = newTrigger({ id, owner, now, secrets }, content);
  await refuseTooMany(services, trigger);
  const record = { trigger, requestHash, writer };
  const existing = await services.triggers.create(record);
  return existing ? { record: existing, secret: undefined } : { record, secret: secret?.shown };
}

/**
 * A bound on what one event costs, and no promise: of two that come at once both may be counted
 * before either is there.
 *
 * @throws {AppError} invalid
 */
async function refuseTooMany(
  { triggers }: Pick<Services, "triggers">,
  { route, source }: Pick<Trigger, "route" | "source">,
): Promise<void> {
  const { ofRoute } = TRIGGER_LIMITS;
  if (route === null || source.kind === "run") return;
  if ((await triggers.countOfRoute(route, ofRoute)) < ofRoute) return;
  const detail = `has what ${ofRoute} triggers wait for already; narrow source and subject`;
  throw invalid([{ pointer: "/source", detail }]);
}
