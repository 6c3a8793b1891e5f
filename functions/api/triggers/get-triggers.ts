import { triggerAnswer } from "../../../shared/triggers/change-trigger.ts";
import type { Trigger } from "../../../shared/triggers/trigger.ts";
import { positionOf } from "../../services/page.ts";
import type { Services } from "../../services/services.ts";
import type { CallOf } from "../http/call.ts";
import { answerPage } from "../http/page.ts";
import { answerTrigger, ownTrigger } from "./own-trigger.ts";

/** `GET /v1/triggers/{id}` */
export async function getTrigger(services: Services, call: CallOf<"getTrigger">): Promise<void> {
  answerTrigger(call, await ownTrigger(services, call));
}

/** `GET /v1/triggers`: newest first. */
export async function listTriggers(
  { triggers }: Services,
  call: CallOf<"listTriggers">,
): Promise<void> {
  await answerPage(call, call.query, {
    read: (part) => triggers.list(call.owner, part),
    positionOf,
    show: (trigger: Trigger) => triggerAnswer(trigger),
  });
}

/** `GET /v1/triggers/{id}/firings`: newest first. */
export async function listFirings(services: Services, call: CallOf<"listFirings">): Promise<void> {
  const { query } = call;
  const { id } = await ownTrigger(services, call);
  await answerPage(call, query, {
    read: (part) => services.triggers.listFirings({ triggerId: id, outcome: query.outcome }, part),
    positionOf,
    show: (firing) => firing,
  });
}
