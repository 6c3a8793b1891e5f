import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { address, go, hrefOf } from "../address.ts";
import { roughNow } from "../now.ts";
import { api, endedSession, faultOf } from "../session.ts";
import { counted } from "../words/amounts.ts";
import { unbroken } from "../words/time.ts";
import { type Figures, GROUPINGS, type Grouping } from "./figures.ts";
import { headOf, PERIODS, type Period, periodOf, tilesOf } from "./period.ts";
import { CostPlot, OutcomePlot, PhasePlot } from "./plots.tsx";

const figures = signal<Figures | null>(null);
const fault = signal<string | null>(null);

async function load(period: Period, by: Grouping, stop: AbortSignal): Promise<void> {
  const { from, beforeFrom } = period;
  const { usage } = api();
  try {
    const [before, days, byKey] = await Promise.all([
      usage({ by: "status", from: beforeFrom, to: from, signal: stop }),
      usage({ by: "day", from, signal: stop }),
      usage({ by, from, signal: stop }),
    ]);
    figures.value = { period, by, before, byDay: days, byKey };
    fault.value = null;
  } catch (error) {
    if (!stop.aborted && !endedSession(error)) fault.value = faultOf(error);
  }
}

/** What runs came to: cost, outcomes and times, over days and by what they were. */
export function UsageView() {
  const { filter, by: asked } = address.value;
  const by = GROUPINGS.find((grouping) => grouping === asked) ?? "agent";
  const today = new Date(roughNow.value).toISOString().slice(0, 10);
  useEffect(() => {
    const loading = new AbortController();
    void load(periodOf(filter.days, Date.parse(today)), by, loading.signal);
    return () => loading.abort();
  }, [filter.days, by, today]);
  const known = figures.value;
  return (
    <main class="page" aria-busy={known === null}>
      <div class="title row">
        <h1 class="grow">{known === null ? "Usage" : headOf(known.period, known.byDay)}</h1>
        <Choices by={by} days={periodOf(filter.days, roughNow.value).days} />
      </div>
      {fault.value !== null && (
        <p class="bad" role="alert">
          {fault.value}
        </p>
      )}
      {known !== null && <Known figures={known} />}
    </main>
  );
}

function Choices({ by, days }: { by: Grouping; days: number }) {
  return (
    <>
      <label class="choice">
        By{" "}
        <select
          class="bare"
          value={by}
          onChange={({ currentTarget }) => {
            const filter = { days: address.value.filter.days };
            go(hrefOf({ view: "usage", by: currentTarget.value, filter }), { replaces: true });
          }}
        >
          {GROUPINGS.map((grouping) => (
            <option key={grouping} value={grouping}>
              {grouping}
            </option>
          ))}
        </select>
      </label>
      <nav class="switch" aria-label="Period">
        {PERIODS.map((period) => (
          <a
            key={period}
            href={hrefOf({ view: "usage", by, filter: { days: period } })}
            aria-current={Number(period) === days ? "true" : undefined}
          >
            {counted(Number(period), "day")}
          </a>
        ))}
      </nav>
    </>
  );
}

function Known({ figures: known }: { figures: Figures }) {
  if (known.byDay.total.runs === 0) {
    return (
      <div class="mid">
        <p class="ink2">A run is counted on the day on which it ends.</p>
        <a class="button" href="/">
          All runs
        </a>
      </div>
    );
  }
  return (
    <>
      <dl class="tiles">
        {tilesOf(known.period, known.byDay, known.before).map(({ word, amount, more }) => (
          <div class="tile" key={word}>
            <dt>{word}</dt>
            <dd>{amount}</dd>
            <dd>{unbroken(more)}</dd>
          </div>
        ))}
      </dl>
      <div class={known.period.days === 1 ? "plots flat" : "plots"}>
        <CostPlot figures={known} />
        <OutcomePlot figures={known} />
        <PhasePlot figures={known} phase="queue" title="Waiting in the queue" />
        <PhasePlot figures={known} phase="agent" title="Agent at work" />
      </div>
      <p class="small ink3">
        Days are those of UTC.
        {known.by === "label" && " A run with several labels is counted with each."}
      </p>
    </>
  );
}
