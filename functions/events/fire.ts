import { isDeepStrictEqual } from "node:util";
import { AppError } from "../../shared/errors.ts";
import { sha256 } from "../../shared/hash.ts";
import { newNonce, newUuid } from "../../shared/ids.ts";
import { acceptRun, acceptTurn } from "../../shared/run/accept.ts";
import type { RunRecord } from "../../shared/run/record.ts";
import { retentionOf } from "../../shared/run/retention.ts";
import { eventObject } from "../../shared/triggers/event-object.ts";
import { isGranted } from "../../shared/triggers/grants.ts";
import {
  defaultKey,
  type FiringName,
  firedRunId,
  firingIdOf,
  keyedConversationId,
} from "../../shared/triggers/ids.ts";
import { depthOf, type IncomingEvent } from "../../shared/triggers/incoming-event.ts";
import { isFor } from "../../shared/triggers/route.ts";
import type { Trigger } from "../../shared/triggers/trigger.ts";
import { applyEvent } from "../attempts/settle-attempt.ts";
import type { Evaluation, EventExpressions } from "../services/expressions.ts";
import type { Decided, FiringDraft, FiringOrder } from "../services/firings.ts";
import type { Services } from "../services/services.ts";
import { orderedRun, type Refusal } from "./ordered-run.ts";

/** An event as triggers are asked about it. */
export interface Occasion {
  event: IncomingEvent;
  /** The dedupe key of triggers that name none. Default: the event's source and id. */
  key?: string | undefined;
  /** The firing whose event it is, once more; and what tells this request from another. */
  redelivery?: { of: string; request: string } | undefined;
  /** The tick that it is, and the next. */
  tick?: { at: Date; next: Date | null } | undefined;
}

/** What is made of an occasion once, for all triggers that are asked. */
export interface Asking extends Occasion {
  expressions: EventExpressions;
  /** The object that has the event once it is kept, … */
  object: string;
  /** … which it is before a firing names it. */
  keep(): Promise<unknown>;
}

/** A chain of runs that start runs ends here: whoever started the first is not its own cause. */
const MOST_DEPTH = 5;
/** Firings of an hour that say that an event was filtered; more are only logged. */
const MOST_FILTERED = 100;
const HOUR_MS = 3600 * 1000;
/** How often a trigger may change while an event is evaluated. */
const REVISIONS = 5;

/**
 * Takes up an event, to be kept once if it is nothing's object yet.
 *
 * @param kept the object that has it. Default: none does.
 */
export function asking(services: Services, occasion: Occasion, kept?: string): Asking {
  const { event } = occasion;
  const object = kept ?? eventObject(JSON.stringify(event));
  let keeping: Promise<unknown> | undefined = kept === undefined ? undefined : Promise.resolve();
  const keep = () => {
    keeping ??= services.events.keep(event);
    return keeping;
  };
  return { ...occasion, object, keep, expressions: services.expressions.over(event) };
}

/**
 * Asks a trigger about an event, and starts its run if it matches: one, whatever repeats or dies.
 * What was decided before stays so, and a run that nobody took is published again.
 *
 * @returns undefined: the event is none of the trigger's, or nothing is to be said about it
 * @throws {AppError} what may pass: ask again
 */
export async function fire(
  services: Services,
  trigger: Trigger,
  asked: Asking,
): Promise<Decided | undefined> {
  let current: Trigger | undefined = trigger;
  for (let tries = 0; tries < REVISIONS; tries += 1) {
    if (current === undefined) return { is: "gone" };
    if (asked.redelivery === undefined && !isFor(current.source, asked.event)) return undefined;
    const order = await orderOf(services, current, asked);
    if (order === undefined) return undefined;
    await asked.keep();
    const decided = await services.firings.fire(order);
    if (decided.is !== "changed") {
      await followUp(services, current, decided);
      return decided;
    }
    current = await services.triggers.get(trigger.id);
    // The tick after this one is another by now: the next sweep finds out.
    const isOther = !isDeepStrictEqual(current?.source, trigger.source);
    if (asked.tick !== undefined && isOther) return { is: "gone" };
  }
  throw new AppError("unavailable", { detail: `trigger ${trigger.id} changes all the time` });
}

/** Says of a schedule's ticks that they are missed, in the commit that moves it on. */
export async function passOver(
  services: Services,
  trigger: Trigger,
  { why, ...asked }: Asking & { why: string },
): Promise<Decided> {
  const draft = unmatched(trigger, asked, { outcome: "missed", why });
  await asked.keep();
  const decided = await services.firings.fire({ trigger, draft, tick: asked.tick });
  await followUp(services, trigger, decided);
  return decided;
}

/** What the commit leaves to be done: repeating it is no harm. */
async function followUp(services: Services, trigger: Trigger, decided: Decided): Promise<void> {
  if (decided.is !== "decided" && decided.is !== "duplicate") return;
  const { firing, record } = decided;
  const { id: triggerId } = trigger;
  const fields = { triggerId, firingId: firing.id, runId: firing.runId ?? undefined };
  const what = decided.is === "duplicate" ? "came again" : firing.outcome;
  // Why, in whose words there may be the event's, the firing itself says.
  services.log("INFO", `firing: ${what}`, fields);
  if (record === undefined || record.run.done) return;
  if (decided.is === "decided" && firing.outcome === "matched") services.telemetry.accepted();
  if (trigger.overlap === "cancel") await cancelAhead(services, record);
  if (record.state.phase === "pending" && !record.state.waitsForTurn) {
    const { attempt, trace } = record.state;
    await services.publisher.publishAttempt({ runId: record.run.id, attempt }, trace);
  }
}

async function cancelAhead(services: Services, record: RunRecord): Promise<void> {
  for (const runId of await services.firings.aheadOf(record)) {
    await applyEvent(services, runId, { type: "cancel" });
  }
}

/** Undefined: that the event was filtered is not to be stored. */
async function orderOf(
  services: Services,
  trigger: Trigger,
  asked: Asking,
): Promise<FiringOrder | undefined> {
  const { event, tick } = asked;
  const refusal = refusalOf(services, trigger, event);
  if (refusal !== undefined) return { trigger, draft: unmatched(trigger, asked, refusal), tick };
  const evaluation = await evaluated(asked, trigger);
  if ("error" in evaluation) {
    const { error: why, isOverrun: isOverTime } = evaluation;
    const draft = unmatched(trigger, asked, { outcome: "error", why });
    return { trigger, draft, tick, isOverTime };
  }
  if (evaluation.matches) return matchedOrder(services, trigger, { asked, evaluation });
  const draft = unmatched(trigger, asked, { outcome: "filtered", why: evaluation.why });
  return tick === undefined && (await areManyFiltered(services, trigger.id))
    ? undefined
    : { trigger, draft, tick };
}

/** Time that it took may be a busy machine's: only twice is it the expression's fault. */
async function evaluated({ expressions }: Asking, trigger: Trigger): Promise<Evaluation> {
  const first = await expressions.evaluate(trigger);
  return "error" in first && first.isOverrun ? expressions.evaluate(trigger) : first;
}

async function areManyFiltered(services: Services, triggerId: string): Promise<boolean> {
  const hour = new Date(Math.floor(services.now().getTime() / HOUR_MS) * HOUR_MS);
  const count = await services.firings.countFiltered(triggerId, hour, MOST_FILTERED);
  if (count < MOST_FILTERED) return false;
  services.log("INFO", "firing: filtered, as many before in this hour", { triggerId });
  return true;
}

/** What an operator does not let the owner have starts nothing, whenever the trigger was made. */
export function refusalOf(
  { eventGrants }: Services,
  { owner, source }: Trigger,
  event: IncomingEvent,
): Refusal | undefined {
  if (source.kind === "event" && !isGranted(eventGrants, owner, event)) {
    const why = `RUNYARD_EVENT_GRANTS does not let ${owner} have ${event.type} of ${event.source}.`;
    return { outcome: "error", why };
  }
  if (depthOf(event) < MOST_DEPTH) return undefined;
  const why = `${depthOf(event)} runs have started each other; a chain ends there.`;
  return { outcome: "limited", why };
}

const nameOf = ({ redelivery }: Occasion, name: FiringName): FiringName =>
  redelivery === undefined ? name : { redelivery: redelivery.request };

function unmatched(trigger: Trigger, asked: Asking, refusal: Refusal): FiringDraft {
  return draftOf(trigger, asked, { name: { event: asked.event }, key: null, refusal });
}

function draftOf(
  { id }: Trigger,
  asked: Asking,
  { name, key, refusal }: { name: FiringName; key: string | null; refusal: Refusal },
): FiringDraft {
  const { event, object, redelivery } = asked;
  const { source, type, subject = null, time = null } = event;
  return {
    id: firingIdOf(id, nameOf(asked, name)),
    event: { source, id: event.id, type, subject, time, object },
    ...refusal,
    key,
    runId: null,
    redeliveryOf: redelivery?.of ?? null,
    depth: depthOf(event) + 1,
  };
}

type Matched = Extract<Evaluation, { matches: true }>;

async function matchedOrder(
  services: Services,
  trigger: Trigger,
  { asked, evaluation }: { asked: Asking; evaluation: Matched },
): Promise<FiringOrder> {
  const key = evaluation.key ?? asked.key ?? defaultKey(asked.event);
  const { tick } = asked;
  const draft = (refusal: Refusal) => draftOf(trigger, asked, { name: { key }, key, refusal });
  const runId = firedRunId(trigger.id, nameOf(asked, { key }));
  const ordered = await orderedRun(services, trigger, { asked, prompt: evaluation.prompt });
  if ("outcome" in ordered) return { trigger, draft: draft(ordered), tick };
  const { order, budgetMicros } = ordered;
  const start = Number.parseInt(sha256(key).slice(0, 4), 16);
  const now = services.now();
  const room = await services.firings.roomOf(trigger, { budgetMicros, start, now });
  if ("full" in room)
    return { trigger, draft: draft({ outcome: "limited", why: room.full }), tick };
  const acceptance = acceptanceOf(services, trigger, { runId, object: asked.object });
  const { conversation } = evaluation;
  return {
    trigger,
    draft: draft({ outcome: "matched", why: null }),
    tick,
    run: {
      id: runId,
      budgetMicros,
      conversationId: conversation === null ? null : keyedConversationId(trigger.id, conversation),
      parts: room.parts,
      accept: (fired, before) =>
        before === undefined
          ? acceptRun(order, { ...acceptance, fired })
          : acceptTurn(order, { ...acceptance, fired }, before),
    },
  };
}

function acceptanceOf(
  { random, now, retention }: Services,
  { owner }: Trigger,
  { runId, object }: { runId: string; object: string },
) {
  return {
    id: runId,
    owner,
    nonce: newNonce(random),
    sessionId: newUuid(random),
    requestHash: sha256(object),
    writer: newNonce(random),
    now: now(),
    retention: retentionOf(retention, owner),
  };
}
