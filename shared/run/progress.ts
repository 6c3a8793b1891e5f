import { after } from "../clock.ts";
import {
  type AgentEvent,
  type ChangeCounts,
  PHASE_NAMES,
  type ReportedEvent,
} from "../documents/event.ts";
import type { Run } from "../documents/run.ts";
import { RUN_LIMITS, TIMING } from "../limits.ts";
import { onClaimed } from "./build-events.ts";
import { timesOf } from "./phases.ts";
import type { RunEvent, RunRecord, RunState, Transition } from "./record.ts";
import { refused, stay } from "./transition.ts";

/** When the build of a run at work shall report next at the earliest, in seconds from `now`. */
export function reportAfter({ run, state }: RunRecord, now: Date): number {
  const started = run.history.findLast(({ status }) => status === "running")?.at ?? now;
  const isFresh = now < after(started, TIMING.freshFor);
  const isFollowed = state.followedUntil !== undefined && now < state.followedUntil;
  return isFresh || isFollowed ? TIMING.progressInterval : TIMING.quietInterval;
}

export function onProgress(
  record: RunRecord,
  event: Extract<RunEvent, { type: "progress" }>,
  now: Date,
): Transition {
  const last = record.run.progress?.at;
  const isTooRecent =
    last !== undefined && now.getTime() - last.getTime() < TIMING.progressInterval * 500;
  const news = newEvents(record.state, event.events);
  if (isTooRecent && news.events.length === 0) return refused("the last progress is too recent");
  const change = (run: Run) => ({
    now,
    run: {
      ...(!isTooRecent && { progress: { text: event.text, turn: event.turn, at: now } }),
      ...told(run, news.events),
    },
    state: { reported: news.reported, ...(event.isLast && { dueAt: after(now, TIMING.finished) }) },
    events: news.events,
  });
  const started = onClaimed(record, event.build, now);
  if (!started.changed) return stay(record, change(record.run));
  const both = stay(started.record, change(started.record.run));
  if (!both.changed) return both;
  // One commit, so one version.
  const state = { ...both.record.state, version: started.record.state.version };
  return {
    ...started,
    record: { run: both.record.run, state },
    events: [...started.events, ...both.events],
  };
}

/** What of a run's document its events are about. */
function told(run: Run, events: readonly Reported[]): Partial<Run> {
  const phases = timesOf(events.map(({ event }) => event));
  const changes = events.findLast(({ event }) => event.type === "changes")?.event;
  return {
    ...(phases.length > 0 && { phases: [...run.phases, ...phases].slice(0, MAX_PHASES) }),
    ...(changes?.type === "changes" && { changes: countsOf(changes) }),
  };
}

/** More than there are: whoever has the attempt's token may say one again and again. */
const MAX_PHASES = 2 * PHASE_NAMES.length;

const countsOf = ({ files, added, removed }: ChangeCounts): ChangeCounts => ({
  files,
  added,
  removed,
});

/** An event, and how long ago it happened. */
interface Reported {
  event: AgentEvent;
  agoMs: number;
}

/** What of a report is new, within what a run may have; the last event before the limit says so. */
function newEvents(
  { events, reported }: RunState,
  report: readonly ReportedEvent[],
): { events: Reported[]; reported: number } {
  // Whoever has the attempt's token cannot say that all which is to come has been told already.
  const last = reported + RUN_LIMITS.reportedEvents;
  const unknown = report.filter(({ number }) => number > reported && number <= last);
  const room = Math.max(0, RUN_LIMITS.events - events);
  const taken = unknown.slice(0, room).map(({ event, agoMs = 0 }) => ({ event, agoMs }));
  const latest = taken.at(-1);
  if (unknown.length > taken.length && latest !== undefined) {
    latest.event = { type: "text", text: "(This run's later events are left out.)" };
  }
  return { events: taken, reported: Math.max(reported, ...unknown.map(({ number }) => number)) };
}
