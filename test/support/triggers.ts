import { randomBytes } from "node:crypto";
import type { AttemptMessage } from "../../functions/services/builds.ts";
import type { Services } from "../../functions/services/services.ts";
import { base62 } from "../../shared/ids.ts";
import type { Fires } from "../../shared/triggers/fires.ts";
import type { IncomingEvent } from "../../shared/triggers/incoming-event.ts";
import { routeOf } from "../../shared/triggers/route.ts";
import type { Trigger } from "../../shared/triggers/trigger.ts";

export const SOURCE = "//events.example.com/inbox";
const TYPE = "com.example.thing.v1";

/** A trigger as the API stores it; by default it takes events of one type and has no limits. */
function makeTrigger(changes: Partial<Trigger> = {}): Trigger {
  const now = new Date();
  const trigger: Trigger = {
    id: `trg_${base62(randomBytes(16))}`,
    schemaVersion: 1,
    owner: "owner",
    revision: 1,
    name: "test",
    source: { kind: "event", type: TYPE },
    filter: null,
    prompt: "Look at {{ event.data.name }}",
    agent: null,
    labels: {},
    dedupe: null,
    conversation: null,
    overlap: "allow",
    limits: { runsPerHour: 1000, runsPerDay: 10_000 },
    enabled: true,
    pausedWhy: null,
    route: null,
    dueAt: null,
    secrets: null,
    createdAt: now,
    updatedAt: now,
    ...changes,
  };
  return { ...trigger, route: routeOf(trigger) };
}

export async function storeTrigger(
  { triggers }: Pick<Services, "triggers">,
  changes: Partial<Trigger> = {},
): Promise<Trigger> {
  const trigger = makeTrigger(changes);
  await triggers.create({ trigger, requestHash: "", writer: "test" });
  return trigger;
}

export const makeEvent = (id: string, more: Partial<IncomingEvent> = {}): IncomingEvent => ({
  id,
  source: SOURCE,
  type: TYPE,
  extensions: {},
  data: { name: id },
  ...more,
});

/** The services with everybody granted every event, and with what is published noted instead. */
export function withNotes(services: Services) {
  const attempts: AttemptMessage[] = [];
  const fires: Fires[] = [];
  const told: Record<string, string>[] = [];
  const dead: string[] = [];
  const noted: Services = {
    ...services,
    eventGrants: [{ source: "*", type: "*", owners: ["*"] }],
    publisher: {
      publishAttempt: async (message) => void attempts.push(message),
      publishAdmission: async () => {},
      publishEvent: async ({ attributes }) => void told.push(attributes),
      publishFires: async (message) => void fires.push(message),
      publishRunDelivery: async () => {},
      publishDelivery: async () => {},
      publishDeadLetter: async ({ reason }) => void dead.push(reason),
    },
  };
  return { services: noted, attempts, fires, told, dead };
}
