import { usdText } from "../words/amounts.ts";
import { durationText } from "../words/time.ts";
import { Figure } from "./figure.tsx";
import { type Figures, nameOf } from "./figures.ts";
import { KeyTable } from "./key-table.tsx";
import { byDay, OUTCOMES, percent, phaseOf, runsWith, statusesOf } from "./period.ts";
import type { PlotSeries } from "./plot.tsx";
import { durationScale, roundScale } from "./scales.ts";

/** What each day has cost. */
export function CostPlot({ figures: { period, byDay: days, by, byKey } }: { figures: Figures }) {
  const values = byDay(period.list, days.items).map((item) => item?.costUsd ?? 0);
  const most = Math.max(...values, 0.01);
  const series: PlotSeries[] = [{ name: "cost", tone: "bar", values }];
  const scale = roundScale(most, (tick) => (tick === 0 ? "0" : tickUsd(tick)));
  return (
    <Figure
      title="Cost"
      unit="dollars a day"
      label={`Cost a day, at most ${usdText(most)}`}
      kind="bars"
      {...{ series, scale, period }}
      said={(index) => usdText(values[index] ?? 0)}
    >
      <KeyTable by={by} heads={["Runs", "Cost"]}>
        {byKey.items.map((item, index) => ({
          key: `${item.key}${index}`,
          name: nameOf(by, item),
          cells: [item.runs.toLocaleString("en"), usdText(item.costUsd)],
        }))}
      </KeyTable>
    </Figure>
  );
}

const tickUsd = (usd: number): string =>
  Number.isInteger(usd) ? `$${usd.toLocaleString("en")}` : `$${usd.toFixed(usd < 0.01 ? 3 : 2)}`;

/** How the runs of each day ended; failures stand at the foot. */
export function OutcomePlot({ figures: { period, byDay: days } }: { figures: Figures }) {
  const counts = byDay(period.list, days.items).map((item) => item?.statuses ?? []);
  const series = OUTCOMES.map(
    (outcome): PlotSeries => ({
      name: outcome.word,
      tone: outcome.tone,
      values: counts.map((statuses) => runsWith(outcome, statuses)),
    }),
  );
  const most = Math.max(...byDay(period.list, days.items).map((item) => item?.runs ?? 0), 4);
  const all = statusesOf(days);
  return (
    <Figure
      title="Runs"
      unit="a day, by outcome"
      label={`Runs a day by outcome, at most ${most}`}
      kind="bars"
      {...{ series, period }}
      scale={roundScale(most, String)}
      said={(index) =>
        OUTCOMES.map((outcome) => ({ outcome, runs: runsWith(outcome, counts[index] ?? []) }))
          .filter(({ runs }) => runs > 0)
          .map(({ outcome, runs }) => `${runs} ${outcome.word}`)
          .join(", ") || "none"
      }
    >
      <KeyTable by="outcome" heads={["Runs", "Share"]}>
        {OUTCOMES.toReversed().map((outcome) => {
          const runs = runsWith(outcome, all);
          return {
            key: outcome.word,
            name: (
              <>
                <span class={`sw tone-${outcome.tone}`} />
                {outcome.word}
              </>
            ),
            cells: [runs.toLocaleString("en"), percent(runs / days.total.runs)],
          };
        })}
      </KeyTable>
    </Figure>
  );
}

interface PhasePlotProps {
  figures: Figures;
  phase: "queue" | "agent";
  title: string;
}

/** How long a phase took on each day. */
export function PhasePlot({
  figures: { period, byDay: days, by, byKey },
  phase,
  title,
}: PhasePlotProps) {
  const times = byDay(period.list, days.items).map((item) => item && phaseOf(item, phase));
  const [p50, p95] = [
    times.map((time) => time?.p50Ms ?? null),
    times.map((time) => time?.p95Ms ?? null),
  ];
  const series: PlotSeries[] = [
    { name: "p95", tone: "ink3", values: p95.map(atLeast), isDashed: true },
    { name: "p50", tone: "ink", values: p50.map(atLeast) },
  ];
  const known = [...p50, ...p95].filter((ms) => ms !== null).map((ms) => Math.max(LEAST_MS, ms));
  return (
    <Figure
      title={title}
      unit="log scale"
      label={`${title}, p50 and p95 a day`}
      kind="lines"
      {...{ series, period }}
      scale={durationScale(known)}
      said={(index) => {
        const time = times[index];
        if (time === undefined) return "no run";
        return `p50 ${durationText(time.p50Ms)}, p95 ${durationText(time.p95Ms)}`;
      }}
    >
      <KeyTable by={by} heads={["p50", "p95"]} hasLines>
        {byKey.items.flatMap((item, index) => {
          const time = phaseOf(item, phase);
          if (time === undefined) return [];
          const cells = [durationText(time.p50Ms), durationText(time.p95Ms)];
          return [{ key: `${item.key}${index}`, name: nameOf(by, item), cells }];
        })}
      </KeyTable>
    </Figure>
  );
}

/** A log scale has no zero, in milliseconds. */
const LEAST_MS = 100;
const atLeast = (ms: number | null) => (ms === null ? null : Math.max(LEAST_MS, ms));
