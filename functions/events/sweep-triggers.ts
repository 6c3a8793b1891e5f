import type { Trigger } from "../../shared/triggers/trigger.ts";
import { inParallel, type Sweep, shuffled, visited } from "../attempts/visits.ts";
import type { Services } from "../services/services.ts";
import { visitTrigger } from "./schedules.ts";

/** Those that one sweep visits itself; more are shared out, to be visited side by side. */
const OWN = 200;
const MOST = 5000;

/** Visits schedules whose tick has come, and triggers that have paused themselves. */
export async function sweepTriggers(
  services: Services,
  { now, until, swept }: Sweep,
): Promise<void> {
  const due = await services.triggers.dueBefore(now, MOST);
  const share = ({ id: triggerId, dueAt }: Trigger) =>
    services.publisher.publishFires({ triggerId, tick: dueAt?.toISOString() ?? "" });
  const visits = function* () {
    for (const trigger of due.slice(OWN)) yield { trigger, visit: () => share(trigger) };
    for (const trigger of shuffled(due.slice(0, OWN), services.chance)) {
      const visit = () => visitTrigger(services, trigger, now);
      if (services.now() < until) yield { trigger, visit };
    }
  };
  await inParallel(visits(), async ({ trigger, visit }) => {
    await visited(services, { swept, fields: { triggerId: trigger.id } }, visit);
  });
}
