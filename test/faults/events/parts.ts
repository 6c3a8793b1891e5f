import { sealSecrets } from "../../../functions/events/secrets.ts";
import type { Services } from "../../../functions/services/services.ts";
import type { WebhookRecord } from "../../../shared/documents/webhook.ts";
import { hookSecretPlace } from "../../../shared/triggers/hook.ts";
import type { IncomingEvent } from "../../../shared/triggers/incoming-event.ts";
import { routeOf } from "../../../shared/triggers/route.ts";
import type { Trigger } from "../../../shared/triggers/trigger.ts";
import { Receiver } from "./outside.ts";
import type { EventsWorld } from "./world.ts";

export const OWNER = "ann";
export const HOOK_SECRET = "the-secret-of-the-hook";
/** What agents do: the first line of each prompt. */
const TASK = '{"seconds":4,"turns":1}';
const TYPE = "com.example.thing.v1";

const SECRET = `whsec_${Buffer.alloc(24, 5).toString("base64")}`;

/** `trg_ABC000…`: the same in each world. */
const idOf = (prefix: string, name: string): string => `${prefix}_${name.padEnd(22, "0")}`;

/** Stores a trigger of {@link OWNER}'s, which takes events of {@link TYPE} unless it is said. */
export async function storedTrigger(
  services: Services,
  name: string,
  changes: Partial<Trigger> = {},
): Promise<Trigger> {
  const now = services.now();
  const id = idOf("trg", name);
  const isHook = changes.source?.kind === "webhook";
  const current = services.sealing.seal(HOOK_SECRET, hookSecretPlace(id));
  const trigger: Trigger = {
    ...{ id, schemaVersion: 1, owner: OWNER, revision: 1, name },
    ...{ source: { kind: "event", type: TYPE }, filter: null, prompt: TASK, agent: null },
    ...{ labels: {}, dedupe: null, conversation: null, overlap: "allow" },
    ...{ limits: { runsPerHour: 1000, runsPerDay: 1000 }, enabled: true, pausedWhy: null },
    ...{ route: null, dueAt: null, createdAt: now, updatedAt: now },
    secrets: isHook ? { current, previous: null, previousUntil: null } : null,
    ...changes,
  };
  const routed = { ...trigger, route: routeOf(trigger) };
  await services.triggers.create({ trigger: routed, requestHash: "", writer: "proof" });
  return routed;
}

/** Stores a webhook of {@link OWNER}'s, at whose address somebody is. */
export async function storedWebhook(
  world: EventsWorld,
  services: Services,
  {
    name,
    events = ["done"],
    answers = [],
  }: { name: string; events?: WebhookRecord["events"]; answers?: readonly number[] },
): Promise<{ id: string; receiver: Receiver }> {
  const now = services.now();
  const id = idOf("whk", name);
  const url = `https://${name}.example`;
  const secrets = { url, headers: {}, secret: SECRET, previousSecret: null };
  await services.webhooks.create({
    ...{ id, schemaVersion: 1, owner: OWNER, revision: 1, url, events, format: "standard" },
    ...{ agent: null, labels: {}, description: "", headers: [], enabled: true },
    ...{ disabledWhy: null, failingSince: null, nextProbeAt: null, previousSecretUntil: null },
    ...{ createdAt: now, updatedAt: now, failures: 0, untold: false },
    sealed: sealSecrets(services, id, secrets),
    ...{ requestHash: "", writer: "proof" },
  });
  const receiver = new Receiver(SECRET, answers);
  world.receivers.set(url, receiver);
  return { id, receiver };
}

export const eventOf = (id: string, data: unknown): IncomingEvent => ({
  ...{ id, source: "//example/inbox", type: TYPE, extensions: {}, data },
});

/** Publishes an event as Pub/Sub's structured mode has it. */
export function publish(world: EventsWorld, { extensions, ...event }: IncomingEvent): void {
  const structured = { specversion: "1.0", ...extensions, ...event };
  world.publish("trigger-events", Buffer.from(JSON.stringify(structured)), {
    "content-type": "application/cloudevents+json",
  });
}
