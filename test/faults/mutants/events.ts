import type { Mutant } from "./mutant.ts";

const FIRING = "functions/cloud/firestore/firing-store.ts";
const FIRING_RUN = "functions/cloud/firestore/firing-run.ts";
const FIRE = "functions/events/fire.ts";
const ATTEMPT = "shared/events/attempt.ts";

/** Guards of triggers, webhooks and pull requests: the stories of events must miss them. */
export const EVENTS: readonly Mutant[] = [
  {
    name: "firing: what was decided stays so",
    file: FIRING,
    from: "if (there !== undefined) {",
    to: "if (there !== undefined && now.getTime() < 0) {",
  },
  {
    name: "firing: its id is the key's",
    file: "shared/triggers/ids.ts",
    from: 'firingId(hashOf("firing", triggerId, ...partsOf(name)));',
    to: 'firingId(hashOf("firing", triggerId, `${Math.random()}`, ...partsOf(name)));',
  },
  {
    name: "firing: its run's id is the key's",
    file: "shared/triggers/ids.ts",
    from: 'runId(hashOf("run", triggerId, ...partsOf(name)));',
    to: 'runId(hashOf("run", triggerId, `${Math.random()}`, "key" in name ? "" : ""));',
  },
  {
    name: "firing: a pending run is published again",
    file: FIRE,
    from: 'if (record.state.phase === "pending" && !record.state.waitsForTurn) {',
    to: 'if (record.state.phase === "pending" && record.state.waitsForTurn) {',
  },
  {
    name: "firing: the tick moves on in its commit",
    file: FIRING,
    from: "...(tick && { dueAt: tick.next }),",
    to: "...(tick && { dueAt: tick.at }),",
  },
  {
    name: "firing: a tick of a schedule that was changed meanwhile is decided anew",
    file: FIRE,
    from: "if (asked.tick !== undefined && isOther) return",
    to: "if (asked.tick === undefined && isOther) return",
  },
  {
    name: "firing: a tick whose key another has had moves on",
    file: FIRING,
    from: "if (tick && trigger && isAt(trigger, tick.at)) {",
    to: "if (tick && trigger && now.getTime() < 0) {",
  },
  {
    name: "schedule: a tick that is missed does not fire",
    file: "shared/triggers/schedule.ts",
    from: "if (dueAt >= missedUpTo) return",
    to: 'if (dueAt >= missedUpTo || source.missed !== "once") return',
  },
  {
    name: "schedule: each of a list is a time of day",
    file: "shared/triggers/schedule.ts",
    from: ', fixedTimeRule: "no-wildcard" }',
    to: " }",
  },
  {
    name: "schedule: what is due stays so when it is changed",
    file: "shared/triggers/change-trigger.ts",
    from: "return isKept ? before : nextTick(schedule, now);",
    to: "return isKept ? nextTick(schedule, now) : nextTick(schedule, now);",
  },
  {
    name: "schedule: what was missed is made up for once",
    file: "shared/triggers/schedule.ts",
    from: "if (latest > dueAt) return { tick: null, next: latest };",
    to: "if (latest > dueAt) return { tick: null, next: nextTick(source, now) };",
  },
  {
    name: "firing: the object is there before it is named",
    file: FIRE,
    from: "    await asked.keep();\n",
    to: "",
  },
  {
    name: "limits: a full part takes no more",
    file: FIRING_RUN,
    from: "if (bound !== undefined) {\n      bounds.push(bound);\n      continue;\n    }",
    to: "if (bound !== undefined) bounds.push(bound);",
  },
  {
    name: "limits: what is started is counted",
    file: FIRING_RUN,
    from: "      room.write();\n",
    to: "",
  },
  {
    name: "lane: who begins is at work in it",
    file: FIRING_RUN,
    from: "transaction.set(document, takeTurn(turns, run.id, now));",
    to: "transaction.set(document, { ...turns, queue: [...turns.queue, run.id], updatedAt: now });",
  },
  {
    name: "hook: its key is the body's digest",
    file: "functions/hooks/hook-event.ts",
    from: '["github", "hmac"].includes(hook.verify.scheme);',
    to: '["hmac"].includes(hook.verify.scheme);',
  },
  {
    name: "hook: nothing is answered before Pub/Sub has it",
    file: "functions/hooks/receive-hook.ts",
    from: "  await publish(services, id, delivery);\n",
    to: "  void publish(services, id, delivery).catch(() => {});\n",
  },
  {
    name: "event: it is handed on before it is acknowledged",
    file: "functions/events/receive-event.ts",
    from: "  await Promise.all(pages.map((triggerIds) =>",
    to: "  void Promise.allSettled(pages.map((triggerIds) =>",
  },
  {
    name: "event: what fails comes again",
    file: "functions/events/receive-event.ts",
    from: "  if (failed !== undefined) throw failed.reason;\n",
    to: "  void failed;\n",
  },
  {
    name: "delivery: its id is the event's and the webhook's",
    file: "shared/documents/delivery.ts",
    from: "JSON.stringify([webhookId, eventId])",
    to: "JSON.stringify([webhookId, eventId, Math.random()])",
  },
  {
    name: "delivery: it is due from the beginning",
    file: "functions/events/fan-out.ts",
    from: "dueAt: after(now, WEBHOOK_LIMITS.again),",
    to: "dueAt: null,",
  },
  {
    name: "delivery: the next attempt is due",
    file: ATTEMPT,
    from: "return { delivery: { ...noted, dueAt: after(now, wait) }, webhook: ill };",
    to: "return { delivery: { ...noted, dueAt: null }, webhook: ill };",
  },
  {
    name: "webhook: that it is disabled is told",
    file: "functions/events/attempt-delivery.ts",
    from: "if (webhook?.untold) await tellThatDisabled(services, webhook);",
    to: "void tellThatDisabled;",
  },
  {
    name: "webhook: requests are signed",
    file: "functions/events/attempt-delivery.ts",
    from: "...signatureHeaders({ id, at, body }, secrets),",
    to: '...signatureHeaders({ id, at, body: "" }, secrets),',
  },
  {
    name: "sweep: deliveries",
    file: "functions/events/sweep-deliveries.ts",
    from: "services.publisher.publishDelivery({ deliveryId: id, attempts }),",
    to: "Promise.resolve({ id, attempts }),",
  },
  {
    name: "pull request: what is lost is asked for again",
    file: "functions/attempts/sweep.ts",
    from: "  await services.publisher.publishRunDelivery({ runId: record.run.id });\n",
    to: "",
  },
];
