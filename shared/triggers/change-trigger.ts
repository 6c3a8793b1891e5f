import { isDeepStrictEqual } from "node:util";
import { after } from "../clock.ts";
import { TRIGGER_LIMITS } from "../limits.ts";
import { routeOf } from "./route.ts";
import { nextTick, type ScheduleSource } from "./schedule.ts";
import type { CreateTrigger, HookSecrets, Trigger, TriggerAnswer } from "./trigger.ts";

/** What a trigger starts unless it says otherwise. */
const DEFAULT_LIMITS = { runsPerHour: 60, runsPerDay: 500 };

type Content = Pick<
  Trigger,
  | "name"
  | "source"
  | "filter"
  | "prompt"
  | "agent"
  | "labels"
  | "dedupe"
  | "conversation"
  | "overlap"
  | "limits"
  | "enabled"
>;

/** What a caller wrote, with each default filled in. */
export function completed({ name, source, prompt, ...rest }: CreateTrigger): Content {
  const { filter = null, agent = null, labels = {}, dedupe = null, conversation = null } = rest;
  const { overlap = "allow", enabled = true } = rest;
  const limits = { ...DEFAULT_LIMITS, ...rest.limits };
  const keys = { filter, prompt, agent, labels, dedupe, conversation };
  return { name, source, ...keys, overlap, limits, enabled };
}

/** A trigger as a caller may write it again: what is null is left out. */
export function contentOf(trigger: Trigger): CreateTrigger {
  const { name, source, prompt, labels, overlap, limits, enabled } = trigger;
  const { filter, agent, dedupe, conversation } = trigger;
  return {
    name,
    source,
    prompt,
    labels,
    overlap,
    limits,
    enabled,
    ...(filter !== null && { filter }),
    ...(agent !== null && { agent }),
    ...(dedupe !== null && { dedupe }),
    ...(conversation !== null && { conversation }),
  };
}

/** @param of.secrets of a hook; null: it is none */
export function newTrigger(
  { id, owner, now, secrets }: Pick<Trigger, "id" | "owner" | "secrets"> & { now: Date },
  content: CreateTrigger,
): Trigger {
  const trigger = {
    id,
    schemaVersion: 1,
    owner,
    revision: 1,
    ...completed(content),
    pausedWhy: null,
    route: null,
    dueAt: null,
    secrets,
    createdAt: now,
    updatedAt: now,
  } as const;
  return placed(trigger, now);
}

/**
 * A trigger with other content; the same object if nothing of it is other.
 *
 * @param change.resumes whether one that paused itself goes on
 */
export function reviseTrigger(
  trigger: Trigger,
  change: { content: CreateTrigger; secrets: HookSecrets | null; resumes: boolean },
  now: Date,
): Trigger {
  const { secrets, resumes } = change;
  const pausedWhy = resumes ? null : trigger.pausedWhy;
  const revised = { ...trigger, ...completed(change.content), secrets, pausedWhy };
  if (isDeepStrictEqual(revised, trigger)) return trigger;
  const { revision } = trigger;
  const isAsBefore = isDeepStrictEqual(scheduleOf(revised), scheduleOf(trigger));
  const next = { ...revised, revision: revision + 1, updatedAt: now };
  return isAsBefore ? { ...next, route: routeOf(next) } : placed(next, now);
}

/** A hook's trigger with a new secret; the one of before is taken for a day more. */
export function rotateSecret(trigger: Trigger, secret: string, now: Date): Trigger {
  const { revision } = trigger;
  const secrets = {
    current: secret,
    previous: trigger.secrets?.current ?? null,
    previousUntil: after(now, TRIGGER_LIMITS.previousSecretHours * 3600),
  };
  return { ...trigger, secrets, revision: revision + 1, updatedAt: now };
}

/** What a schedule's next tick depends on; undefined: there is none. */
function scheduleOf({ source, enabled, pausedWhy }: Trigger) {
  return source.kind === "schedule" && enabled && pausedWhy === null ? source : undefined;
}

/** With what events and the sweep find it by. */
function placed(trigger: Trigger, now: Date): Trigger {
  const schedule = scheduleOf(trigger);
  const dueAt = schedule === undefined ? null : dueOf(schedule, trigger.dueAt, now);
  return { ...trigger, route: routeOf(trigger), dueAt };
}

/** @param before what nobody has fired yet: it stays due if the schedule of now has it as well */
function dueOf(schedule: ScheduleSource, before: Date | null, now: Date): Date | null {
  const isKept =
    before !== null &&
    before <= now &&
    nextTick(schedule, after(before, -1))?.getTime() === before.getTime();
  return isKept ? before : nextTick(schedule, now);
}

/** How a hook's secret is kept: sealed where it has to sign, else as its SHA-256. */
export const secretKindOf = ({ source }: Pick<Trigger, "source">): "sealed" | "hash" | null => {
  if (source.kind !== "webhook") return null;
  return source.verify.scheme === "bearer" ? "hash" : "sealed";
};

/** @param secret what is shown of a hook's secret, where it was just made */
export function triggerAnswer(trigger: Trigger, secret?: string): TriggerAnswer {
  const { id, schemaVersion, owner, revision, pausedWhy, dueAt, secrets } = trigger;
  const previousUntil = secrets?.previousUntil ?? null;
  return {
    id,
    schemaVersion,
    owner,
    revision,
    ...completed(contentOf(trigger)),
    pausedWhy,
    dueAt,
    hook: trigger.source.kind === "webhook" ? { path: `/v1/hooks/${id}`, previousUntil } : null,
    ...(secret !== undefined && { secret }),
    createdAt: trigger.createdAt,
    updatedAt: trigger.updatedAt,
  };
}
