import { signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Period } from "./period.ts";
import { Plot, type PlotSeries } from "./plot.tsx";
import { dayText, dayTicks, type Scale } from "./scales.ts";

interface FigureProps {
  title: string;
  unit: string;
  label: string;
  kind: "bars" | "lines";
  series: PlotSeries[];
  scale: Scale;
  period: Period;
  /** What a day came to. */
  said(index: number): string;
  children: preact.ComponentChildren;
}

/** A plot with its table; of a single day there is the table alone. */
export function Figure({
  title,
  unit,
  label,
  kind,
  series,
  scale,
  period,
  said,
  children,
}: FigureProps) {
  const pointed = useMemo(() => signal<number | null>(null), []);
  const drawn = useMemo(() => {
    const ticks = dayTicks(period.days);
    const words = ticks.map((index) => dayText(period.list[index] ?? ""));
    const onPoint = (index: number | null) => {
      pointed.value = index;
    };
    return { label, kind, series, scale, days: { ticks, words }, onPoint };
  }, [period, title]);
  const plot = useMemo(() => <Plot {...drawn} />, [drawn]);
  const at = pointed.value;
  const day = at === null ? undefined : period.list[at];
  return (
    <figure class="plot">
      <header>
        <h2>{title}</h2>
        <span class="small ink3">
          {day === undefined || at === null ? unit : `${dayText(day)}: ${said(at)}`}
        </span>
      </header>
      {period.days > 1 && plot}
      {children}
    </figure>
  );
}
