import type { AgentEvent, PhaseTime } from "../documents/event.ts";
import type { RunRecord } from "./record.ts";

/** What the run went through until its build's runner took the attempt. */
export function waited({ state: { waitsSince, workingAt } }: RunRecord, now: Date): AgentEvent {
  return workingAt === null
    ? phaseOver("queue", { from: waitsSince, to: now })
    : phaseOver("image", { from: workingAt, to: now });
}

export function phaseOver(
  name: PhaseTime["name"],
  { from, to }: { from: Date | null; to: Date },
): AgentEvent {
  // Each of two clocks may be ahead.
  const ms = from === null ? undefined : Math.max(0, to.getTime() - from.getTime());
  return { type: "phase", name, state: "done", ...(ms !== undefined && { ms }) };
}

/** The phases that events say are over. */
export function timesOf(events: readonly AgentEvent[]): PhaseTime[] {
  return events.flatMap((event) =>
    event.type === "phase" && event.ms !== undefined ? [{ name: event.name, ms: event.ms }] : [],
  );
}

/** What the runner's manifest says of its phases counts more than what of it was reported. */
export function phasesWith(
  told: readonly PhaseTime[],
  ofRunner: readonly PhaseTime[] | undefined,
): PhaseTime[] {
  if (ofRunner === undefined) return [...told];
  return [...told.filter(({ name }) => name === "queue" || name === "image"), ...ofRunner];
}
