import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { DryRun } from "../../client/types.ts";
import { endedSession, faultOf } from "../session.ts";
import { counted, usdText } from "../words/amounts.ts";
import { shown } from "../words/shown.ts";
import { durationText } from "../words/time.ts";
import { draft, faultsOf, type Purpose, tryOut } from "./draft.ts";

/** Typing pauses for so long before it is tried out, in milliseconds. */
const PAUSE_MS = 600;
const forecast = signal<DryRun | string | null>(null);

/** What the API says that it would come to. */
export function Forecast({ kind }: { kind: Purpose["kind"] }) {
  const written = draft.value;
  useEffect(() => {
    const trying = new AbortController();
    const timer = setTimeout(async () => {
      if (Object.keys(faultsOf(written, kind)).length > 0) {
        forecast.value = null;
        return;
      }
      try {
        forecast.value = await tryOut(written, trying.signal);
      } catch (error) {
        if (!trying.signal.aborted && !endedSession(error)) forecast.value = faultOf(error);
      }
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      trying.abort();
    };
  }, [written]);
  const answer = forecast.value;
  if (answer === null) return null;
  if (typeof answer === "string") return <p class="most bad">{answer}</p>;
  return <Answer answer={answer} />;
}

function Answer({ answer }: { answer: DryRun }) {
  const { maxCostUsd, queue, usually, repository, repositories } = answer;
  const looks = [...(repository === null ? [] : [{ folder: "", ...repository }]), ...repositories];
  return (
    <div class="most">
      <div class="row strong">
        <span class="grow">Costs at most, about</span>
        <span class="num">{usdText(maxCostUsd)}</span>
      </div>
      {usually !== null && (
        <p>
          Half of this agent's {counted(usually.runs, "run")} took less than{" "}
          {durationText(usually.p50Ms)}, 95 of 100 less than {durationText(usually.p95Ms)}
          {costsText(usually)}.
        </p>
      )}
      <p>
        {queue === null
          ? "A build slot is free."
          : `It would wait: place ${queue.position} of your runs.`}
      </p>
      {looks.map(({ folder, reachable, why, hasRef }) => (
        <p key={folder} class={reachable !== false && hasRef !== false ? "" : "bad"}>
          {folder !== "" && `${shown(folder)}: `}
          {shown(why)}
          {hasRef === false && " It has no such ref."}
        </p>
      ))}
      <p class="small ink3">
        The budget is checked after each answer of the model, so one answer may exceed it.
      </p>
    </div>
  );
}

function costsText({ p50CostUsd, p95CostUsd }: NonNullable<DryRun["usually"]>): string {
  if (p50CostUsd === null || p95CostUsd === null) return "";
  return `; half cost less than ${usdText(p50CostUsd)}, 95 of 100 less than ${usdText(p95CostUsd)}`;
}
