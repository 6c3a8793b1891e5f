import { timelineOf } from "../../../shared/run/timeline.ts";
import { continuing, type TraceContext } from "../../../shared/run/trace.ts";
import type { CommittedChange, SpanFacts } from "../../services/telemetry.ts";

/** Something that is over, with what it consisted of. */
export interface PastSpan {
  name: string;
  from: Date;
  to: Date;
  facts: SpanFacts;
  parts: readonly PastSpan[];
}

/**
 * The spans that are known when an attempt is settled or a run is over, each with what it goes on
 * from: how long it waited, its build with the phases of that, and the commit itself, `complete`,
 * or `retry` if the run goes on. Empty: the change ends nothing, or the run is in no trace.
 */
export function spansOf({
  event,
  before,
  made,
  from,
}: CommittedChange): [TraceContext, PastSpan][] {
  const { run, state } = before;
  const hasEnded = made.record.run.done && !run.done;
  if (state.trace === null || (event.type !== "settled" && !hasEnded)) return [];
  const ofAttempt = { "runyard.run.id": run.id, "runyard.attempt": state.attempt };
  const committed: PastSpan = {
    name: hasEnded ? "complete" : "retry",
    from,
    to: new Date(),
    facts: { ...ofAttempt, ...factsOf(event), "runyard.status": made.record.run.status },
    parts: [],
  };
  const submission = continuing(state.trace, state.submissionTrace) ?? state.trace;
  if (event.type !== "settled") return [[submission, committed]];
  const build = event.build ?? state.build;
  const timeline = timelineOf(before, event.settlement, made.record.run.updatedAt);
  const parts = timeline.phases.map((phase) => ({ ...phase, facts: ofAttempt, parts: [] }));
  const waits = parts.filter(({ name }) => name === "queue");
  const ofBuild: PastSpan = {
    name: "build",
    ...timeline.build,
    facts: { ...ofAttempt, ...(build && { "runyard.build.id": build.id }) },
    parts: [...parts.filter(({ name }) => name !== "queue"), committed],
  };
  const trace = state.trace;
  return [
    ...waits.map((wait): [TraceContext, PastSpan] => [trace, wait]),
    [submission, build === null ? committed : ofBuild],
  ];
}

/** What came out of an attempt: by our own words for it, and in numbers. */
function factsOf(event: CommittedChange["event"]): SpanFacts {
  if (event.type !== "settled") return {};
  const { verdict, spentUsd } = event.settlement;
  return {
    "runyard.outcome": verdict.outcome,
    ...(spentUsd !== undefined && { "runyard.cost_usd": spentUsd }),
  };
}
