import { sha256 } from "../hash.ts";
import type { IncomingEvent } from "./incoming-event.ts";
import type { TriggerSource } from "./source.ts";
import type { Trigger } from "./trigger.ts";

/** Segments of a subject by which an event finds its triggers. */
const SEGMENTS = 8;

const hashOf = (...parts: readonly string[]): string => sha256(JSON.stringify(parts)).slice(0, 32);

/**
 * Under what a trigger is found by events: a hash of what they all have in common, 32 hex digits.
 * What it leaves open {@link isFor} compares. Null: it is disabled or paused, or is found otherwise.
 */
export function routeOf({
  owner,
  source,
  enabled,
  pausedWhy,
}: Pick<Trigger, "owner" | "source" | "enabled" | "pausedWhy">): string | null {
  if (!enabled || pausedWhy !== null) return null;
  if (source.kind === "run") return runRouteOf(owner);
  if (source.kind !== "event") return null;
  const { type, source: of = "*", subject = "" } = source;
  // The last segment may be the beginning of one.
  const whole = subject.split("/").slice(0, -1).slice(0, SEGMENTS);
  return hashOf("event", type, of, ...whole);
}

/** Under what the triggers are found that wait for the ends of an owner's runs. */
export const runRouteOf = (owner: string): string => hashOf("run", owner);

/** Every route under which triggers for an event may stand: at most 18. */
export function routesOf({ type, source, subject }: IncomingEvent): string[] {
  const segments = subject?.split("/").slice(0, SEGMENTS) ?? [];
  const beginnings = Array.from({ length: segments.length + 1 }, (_, n) => segments.slice(0, n));
  return ["*", source].flatMap((of) =>
    beginnings.map((beginning) => hashOf("event", type, of, ...beginning)),
  );
}

/** Whether an event that a trigger was found for is one of its source. */
export function isFor(source: TriggerSource, event: IncomingEvent): boolean {
  if (source.kind === "run") return isEndFor(source, event);
  if (source.kind !== "event") return true;
  return (
    source.type === event.type &&
    (source.source ?? event.source) === event.source &&
    (event.subject ?? "").startsWith(source.subject ?? "")
  );
}

/** What is read of the run in an event of `run-events`. */
interface EndedRun {
  status?: string;
  agent?: { id?: string } | null;
  labels?: Record<string, string>;
}

/** Triggers for runs name agents by their ids: names are resolved when they are written. */
function isEndFor(
  { status, agent, labels = {} }: Extract<TriggerSource, { kind: "run" }>,
  { data }: IncomingEvent,
): boolean {
  const run = (data ?? {}) as EndedRun;
  return (
    (status === "any" || status === run.status) &&
    (agent === undefined || agent === run.agent?.id) &&
    Object.entries(labels).every(([key, value]) => run.labels?.[key] === value)
  );
}
