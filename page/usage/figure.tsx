import { signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Period } from "./period.ts";
import { type Drawn, Plot } from "./plot.tsx";
import { dayText, dayTicks } from "./scales.ts";

interface FigureProps extends Omit<Drawn, "days"> {
  title: string;
  unit: string;
  label: string;
  period: Period;
  /** What a day came to. */
  said(index: number): string;
  children: preact.ComponentChildren;
}

/** A plot with its table; of a single day there is the table alone. */
export function Figure({ title, unit, period, said, children, ...drawn }: FigureProps) {
  const pointed = useMemo(() => signal<number | null>(null), [period]);
  const days = useMemo(() => {
    const ticks = dayTicks(period.days);
    return { ticks, words: ticks.map((index) => dayText(period.list[index] ?? "")) };
  }, [period]);
  const saidOf = (index: number) => `${dayText(period.list[index] ?? "")}: ${said(index)}`;
  const at = pointed.value;
  return (
    <figure class="plot">
      <header>
        <h2>{title}</h2>
        <span class="small ink3">{at === null ? unit : saidOf(at)}</span>
      </header>
      {period.days > 1 && <Plot {...drawn} {...{ days, pointed }} said={saidOf} />}
      {children}
    </figure>
  );
}
