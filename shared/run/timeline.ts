import type { Settlement } from "../attempt/settlement.ts";
import type { PhaseTime } from "../documents/event.ts";
import { phasesWith } from "./phases.ts";
import type { RunRecord } from "./record.ts";

/** From when to when something lasted. */
interface Span {
  from: Date;
  to: Date;
}

/** What an attempt went through, and when. */
export interface Timeline {
  phases: (Span & Pick<PhaseTime, "name">)[];
  /** From when Cloud Build had the build until the attempt was settled. */
  build: Span;
}

/**
 * When the phases of an attempt were, of which it is known how long they took: one after the other,
 * those of the build from when it began to work, those of its runner from when that had taken the
 * attempt, of which others are told a while later. Nothing is later than `now`.
 *
 * @param before the run when its attempt is settled
 * @param now when it is
 */
export function timelineOf(
  { run, state }: RunRecord,
  { phases: ofRunner, startedAt }: Pick<Settlement, "phases" | "startedAt">,
  now: Date,
): Timeline {
  const end = now.getTime();
  const clipped = (from: number, to: number, most = end): Span => ({
    from: new Date(Math.min(from, most)),
    to: new Date(Math.min(to, most)),
  });
  const times = phasesWith(run.phases, ofRunner);
  const taken = takenAt(times, startedAt);
  let at = (state.waitsSince ?? run.createdAt).getTime();
  const phases = times.map(({ name, ms }) => {
    const isBefore = name === "queue" || name === "image";
    if (name === "image" && state.workingAt !== null) at = state.workingAt.getTime();
    if (name === "claim" && taken !== undefined) at = taken;
    const from = at;
    at += ms;
    return { name, ...clipped(from, at, isBefore ? Math.min(taken ?? end, end) : end) };
  });
  const queued = run.history.findLast(({ status }) => status === "queued")?.at.getTime();
  const starts = phases.flatMap(({ name, from }) => (name === "queue" ? [] : [from.getTime()]));
  return { phases, build: clipped(Math.min(queued ?? end, ...starts), end) };
}

/** When the runner began to take the attempt; undefined: it is not known to have. */
function takenAt(times: readonly PhaseTime[], startedAt: Date | undefined): number | undefined {
  const claim = times.find(({ name }) => name === "claim");
  const over = startedAt?.getTime() ?? Number.NaN;
  return claim === undefined || Number.isNaN(over) ? undefined : over - claim.ms;
}
