import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { Scale } from "./scales.ts";

/** What one plot shows, day by day. */
export interface PlotSeries {
  name: string;
  /** As the style sheet's classes of colour have it. */
  tone: "bar" | "bad" | "warn" | "line" | "ink" | "ink3";
  values: readonly (number | null)[];
  isDashed?: boolean;
}

interface PlotProps {
  /** Said instead of the picture. */
  label: string;
  kind: "bars" | "lines";
  series: readonly PlotSeries[];
  scale: Scale;
  /** Indices of the days that are written at the axis, and their words. */
  days: { ticks: readonly number[]; words: readonly string[] };
  /** The day that is pointed at; null: none is. */
  onPoint(index: number | null): void;
}

const HEIGHT = 230;
const FONT = "11px system-ui, sans-serif";

/** A plot over days: bars that stand on each other, or lines on a log scale that are named at their end. */
export function Plot(props: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const { label } = props;
  useEffect(() => draw(place.current, props), [props]);
  return <div ref={place} class="plot-place" role="img" aria-label={label} />;
}

/** @returns what takes it away */
function draw(place: HTMLDivElement | null, props: PlotProps): () => void {
  if (place === null) return () => undefined;
  let plot = plotIn(place, props);
  const fit = new ResizeObserver(() => {
    plot.setSize({ width: place.clientWidth, height: HEIGHT });
  });
  fit.observe(place);
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  const again = () => {
    plot.destroy();
    plot = plotIn(place, props);
  };
  scheme.addEventListener("change", again);
  return () => {
    fit.disconnect();
    scheme.removeEventListener("change", again);
    plot.destroy();
  };
}

function plotIn(place: HTMLDivElement, props: PlotProps): uPlot {
  const { kind, series, scale, days, onPoint } = props;
  const colors = (tone: PlotSeries["tone"]) => colorIn(place, tone);
  const [grid, text] = [colors("line"), colors("ink3")];
  const count = series[0]?.values.length ?? 0;
  const margin = kind === "bars" ? 0.6 : 0.2;
  const axis = { stroke: text, font: FONT, ticks: { show: false } };
  const isLines = kind === "lines";
  const options: uPlot.Options = {
    width: place.clientWidth,
    height: HEIGHT,
    padding: [8, isLines ? 32 : 20, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { setScale: false, x: false }, points: { show: isLines } },
    scales: {
      x: { time: false, range: [-margin, count - 1 + margin] },
      y: {
        distr: isLines ? 3 : 1,
        range: [scale.ticks[0] ?? 0, scale.ticks.at(-1) ?? 1],
      },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 26,
        splits: () => [...days.ticks],
        values: () => [...days.words],
      },
      {
        ...axis,
        grid: { stroke: grid, width: 1 },
        size: 52,
        splits: () => scale.ticks,
        filter: (_plot, splits) => splits,
        values: () => scale.words,
      },
    ],
    series: [{}, ...series.map((one) => seriesOf(one, { kind, color: colors(one.tone) }))],
    hooks: {
      setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)],
      draw: isLines ? [(plot) => nameEnds(plot, series, text)] : [],
    },
  };
  const data = [Array.from({ length: count }, (_, index) => index), ...series.map(valuesOf)];
  return new uPlot(options, data as uPlot.AlignedData, place);
}

const valuesOf = ({ values }: PlotSeries): (number | null)[] => [...values];

function seriesOf(
  { name, isDashed = false }: PlotSeries,
  { kind, color }: { kind: PlotProps["kind"]; color: string },
): uPlot.Series {
  if (kind === "bars") {
    const paths = uPlot.paths.bars?.({ size: [0.75, 40] });
    return { label: name, fill: color, width: 0, points: { show: false }, ...(paths && { paths }) };
  }
  const dash = isDashed ? { dash: [4, 3] } : {};
  return { label: name, stroke: color, width: 1.75, spanGaps: true, ...dash };
}

/** Writes the name of each line behind its last point. */
function nameEnds(plot: uPlot, series: readonly PlotSeries[], color: string): void {
  const { ctx } = plot;
  ctx.save();
  ctx.fillStyle = color;
  ctx.font = FONT.replace("11", String(11 * devicePixelRatio));
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  for (const { name, values } of series) {
    const index = values.findLastIndex((value) => value !== null);
    const value = values[index];
    if (value === undefined || value === null) continue;
    const [x, y] = [plot.valToPos(index, "x", true), plot.valToPos(value, "y", true)];
    ctx.fillText(name, x + 8 * devicePixelRatio, y);
  }
  ctx.restore();
}

/** A colour of the style sheet as a canvas takes it. */
function colorIn(place: HTMLElement, tone: PlotSeries["tone"]): string {
  const probe = document.createElement("span");
  probe.className = `tone-${tone}`;
  place.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
