import { triggerAnswer } from "../../../shared/triggers/change-trigger.ts";
import { positionOf } from "../../services/page.ts";
import type { Services } from "../../services/services.ts";
import type { CallOf } from "../http/call.ts";
import { answerPage } from "../http/page.ts";
import { etagOf, ownTrigger } from "./own-trigger.ts";

/** `GET /v1/triggers/{id}` */
export async function getTrigger(services: Services, call: CallOf<"getTrigger">): Promise<void> {
  const trigger = await ownTrigger(services, call);
  const [today] = await services.firings.todayOf([trigger], services.now());
  call.response.set("ETag", etagOf(trigger)).json({ ...triggerAnswer(trigger), today });
}

/** `GET /v1/triggers`: newest first. */
export async function listTriggers(
  { triggers, firings, now }: Services,
  call: CallOf<"listTriggers">,
): Promise<void> {
  await answerPage(call, call.query, {
    async read(part) {
      const found = await triggers.list(call.owner, part);
      const days = await firings.todayOf(found, now());
      return found.map((trigger, nth) => ({ trigger, today: days[nth] }));
    },
    positionOf: ({ trigger }) => positionOf(trigger),
    show: ({ trigger, today }) => ({ ...triggerAnswer(trigger), today }),
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
