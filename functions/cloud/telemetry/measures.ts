import type { Meter } from "@opentelemetry/api";
import { phasesWith } from "../../../shared/run/phases.ts";
import type { RunEvent } from "../../../shared/run/record.ts";
import type { CommittedChange, Telemetry } from "../../services/telemetry.ts";

/** Seconds: a claim takes a tenth, an agent may take a day. */
const BOUNDARIES = [0.1, 0.3, 1, 3, 10, 30, 60, 120, 300, 600, 1800, 3600, 14_400, 86_400];

/**
 * Counts what happens. What tells rows apart are closed sets: no run, no owner, nothing that a
 * caller chose.
 */
export function measuresOn(meter: Meter): Pick<Telemetry, "accepted" | "committed" | "waiting"> {
  const accepted = meter.createCounter("runyard.runs.accepted", { unit: "{run}" });
  const waits = meter.createCounter("runyard.runs.waits", { unit: "{wait}" });
  const settled = meter.createCounter("runyard.attempts.settled", { unit: "{attempt}" });
  const waiting = meter.createGauge("runyard.runs.waiting", { unit: "{run}" });
  const cost = meter.createCounter("runyard.cost", { unit: "{USD}" });
  const duration = meter.createHistogram("runyard.phase.duration", {
    unit: "s",
    advice: { explicitBucketBoundaries: BOUNDARIES },
  });
  return {
    accepted: () => accepted.add(1),
    async waiting(count) {
      for (const [cause, runs] of Object.entries(await count())) waiting.record(runs, { cause });
    },
    committed({ event, before, made }) {
      const cause = waitCause(event, made);
      if (cause !== undefined) waits.add(1, { cause });
      if (event.type !== "settled") return;
      const { verdict, spentUsd = 0, phases } = event.settlement;
      const { status } = made.record.run;
      settled.add(1, { outcome: verdict.outcome, status });
      cost.add(spentUsd);
      for (const { name, ms } of phasesWith(before.run.phases, phases)) {
        duration.record(ms / 1000, { phase: name });
      }
    },
  };
}

/** Why a run waits from now on; undefined: it does not, or did before. */
function waitCause(event: RunEvent, { record }: CommittedChange["made"]): string | undefined {
  if (event.type === "park") return event.cause === undefined ? "slot" : "no_slots";
  if (event.type === "deferred") return event.denied ? "denied" : "refused";
  return event.type === "settled" && record.state.phase === "pending" ? "retry" : undefined;
}
