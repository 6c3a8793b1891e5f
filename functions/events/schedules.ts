import { pausedEvent } from "../../shared/documents/trigger-event.ts";
import { dueTick, missedWords, tickEvent } from "../../shared/triggers/schedule.ts";
import type { Trigger } from "../../shared/triggers/trigger.ts";
import type { Services } from "../services/services.ts";
import { asking, fire, passOver } from "./fire.ts";

/** Ticks of one schedule that one visit fires. */
const MOST_TICKS = 10;

/**
 * Fires the ticks of a schedule that are due, each in the commit that moves it on to the next, and
 * says which are missed; or tells that a trigger has paused itself.
 *
 * @param now the database's time
 */
export async function visitTrigger(services: Services, trigger: Trigger, now: Date): Promise<void> {
  if (trigger.pausedWhy !== null) return tellPaused(services, trigger);
  const { id, source } = trigger;
  let { dueAt } = trigger;
  for (let count = 0; count < MOST_TICKS; count += 1) {
    if (source.kind !== "schedule" || dueAt === null || dueAt > now) return;
    const { tick, next } = dueTick(source, dueAt, now);
    const event = tickEvent(id, tick ?? dueAt);
    const asked = asking(services, { event, tick: { at: dueAt, next } });
    const current = { ...trigger, dueAt };
    const decided = await (tick === null
      ? passOver(services, current, { ...asked, why: missedWords(source, { dueAt, next, now }) })
      : fire(services, current, asked));
    if (decided?.is === "gone" || decided?.is === "changed") return;
    dueAt = next;
  }
}

/** At least once: it stays due until it is noted that it was told. */
async function tellPaused(services: Services, trigger: Trigger): Promise<void> {
  const { publisher, eventSource, triggers } = services;
  const at = trigger.dueAt ?? services.now();
  await publisher.publishEvent(pausedEvent(trigger, { source: eventSource, at }));
  await triggers.transact(trigger.id, (before) =>
    before.pausedWhy === null || before.dueAt === null ? before : { ...before, dueAt: null },
  );
}
