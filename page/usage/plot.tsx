import type { Signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { apart, heightOf, indexAt, middleOf, type Scale, stacked } from "./scales.ts";

/** What one plot shows, day by day. */
export interface PlotSeries {
  name: string;
  /** As the style sheet's classes of colour have it. */
  tone: "bar" | "bad" | "warn" | "line" | "ink" | "ink3";
  /** null: there is none of that day. */
  values: readonly (number | null)[];
  isDashed?: boolean;
}

/** What is drawn, whatever is pointed at. */
export interface Drawn {
  kind: "bars" | "lines";
  /** Bars stand on each other, the first at the foot. */
  series: readonly PlotSeries[];
  scale: Scale;
  /** Indices of the days that are written at the axis, and their words. */
  days: { ticks: readonly number[]; words: readonly string[] };
}

interface PlotProps extends Drawn {
  /** What its figures are of. */
  label: string;
  /** The day that is pointed at, by its index; null: none is. */
  pointed: Signal<number | null>;
  /** A day with what it came to. */
  said(index: number): string;
}

/**
 * A plot over days: bars, or lines that are named at their end. A pointer, or the arrow keys,
 * choose a day. It is drawn in shares of its place, which is as wide as its figure.
 */
export function Plot({ label, pointed, said, ...drawn }: PlotProps) {
  const { kind, series, scale, days } = drawn;
  const count = series[0]?.values.length ?? 0;
  const last = count - 1;
  const at = pointed.value ?? last;
  const picture = useMemo(() => <Picture {...drawn} />, [series, scale, days]);
  const point = (index: number | null) => {
    pointed.value = index;
  };
  const onPointer = (event: PointerEvent) => {
    const { left, width } = (event.currentTarget as Element).getBoundingClientRect();
    point(indexAt((event.clientX - left) / width, count));
  };
  return (
    <div
      class="plot-place"
      role="slider"
      tabIndex={0}
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={last}
      aria-valuenow={at}
      aria-valuetext={said(at)}
      onFocus={() => point(at)}
      onBlur={() => point(null)}
      onKeyDown={(event) => {
        const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        point(Math.min(last, Math.max(0, to)));
      }}
    >
      <svg class={kind} aria-hidden="true">
        {picture}
        {pointed.value !== null && <Pointed {...drawn} at={pointed.value} />}
        <rect
          class="all"
          width="100%"
          height="100%"
          onPointerDown={onPointer}
          onPointerMove={onPointer}
          onPointerLeave={({ pointerType }) => pointerType === "mouse" && point(null)}
        />
      </svg>
    </div>
  );
}

const percent = (share: number): string => `${Number((share * 100).toFixed(2))}%`;
const above = (height: number): string => percent(1 - height);

function Picture({ kind, series, scale, days }: Drawn) {
  const count = series[0]?.values.length ?? 0;
  return (
    <>
      {scale.ticks.map((tick, index) => {
        const y = above(heightOf(tick, scale));
        return (
          <>
            <line x2="100%" y1={y} y2={y} />
            <text class="up" x="-8" y={y} dy="4">
              {scale.words[index]}
            </text>
          </>
        );
      })}
      {days.ticks.map((day, index) => (
        <text key={day} class="last" x={percent(middleOf(day, count))} y="100%" dy="18">
          {days.words[index]}
        </text>
      ))}
      {kind === "bars" ? <Bars {...{ series, scale }} /> : <Lines {...{ series, scale }} />}
    </>
  );
}

type Shapes = Pick<Drawn, "series" | "scale">;

function Bars({ series, scale }: Shapes) {
  const parts = stacked(series.map(({ values }) => values.map((value) => value ?? 0)));
  return (
    <>
      {parts.flatMap((days, index) =>
        days.map(([from, to], day) => {
          const [foot, head] = [heightOf(from, scale), heightOf(to, scale)];
          if (head <= foot) return null;
          const wide = days.length > 7 ? 0.75 : 0.4;
          return (
            <rect
              key={day}
              class={`tone-${series[index]?.tone}`}
              x={percent(middleOf(day, days.length) - wide / days.length / 2)}
              y={above(head)}
              width={percent(wide / days.length)}
              height={percent(head - foot)}
            />
          );
        }),
      )}
    </>
  );
}

/** Names of lines that end beside each other are so far apart, as a share of the height. */
const NAME_HEIGHT = 0.07;

function Lines({ series, scale }: Shapes) {
  const lines = series.map(({ values }) => pointsOf(values, scale));
  const names = apart(
    lines.map((points) => points.at(-1)?.y ?? 0),
    NAME_HEIGHT,
  );
  return (
    <>
      <svg viewBox="0 0 1 1" preserveAspectRatio="none" overflow="visible" aria-hidden="true">
        {series.map(({ name, tone, isDashed }, index) => (
          <path
            key={name}
            class={`tone-${tone}${isDashed ? " dashed" : ""}`}
            d={`M${lines[index]?.map(({ x, y }) => `${x.toFixed(4)} ${(1 - y).toFixed(4)}`).join("L")}`}
          />
        ))}
      </svg>
      {series.map(({ name, tone }, index) => {
        const end = lines[index]?.at(-1);
        if (end === undefined) return null;
        return (
          <>
            <circle class={`tone-${tone}`} cx={percent(end.x)} cy={above(end.y)} r="2" />
            <text x={percent(end.x)} y={above(names[index] ?? 0)} dx="8" dy="4">
              {name}
            </text>
          </>
        );
      })}
    </>
  );
}

/** Where a line goes through, in shares; a day that has nothing is passed over. */
const pointsOf = (values: PlotSeries["values"], scale: Scale): { x: number; y: number }[] =>
  values.flatMap((value, day) =>
    value === null ? [] : [{ x: middleOf(day, values.length), y: heightOf(value, scale) }],
  );

function Pointed({ kind, series, scale, at }: Drawn & { at: number }) {
  const x = percent(middleOf(at, series[0]?.values.length ?? 1));
  return (
    <>
      <line class="at" x1={x} x2={x} y2="100%" />
      {kind === "lines" &&
        series.map(({ name, tone, values }) => {
          const value = values[at] ?? null;
          if (value === null) return null;
          return (
            <circle
              key={name}
              class={`tone-${tone}`}
              cx={x}
              cy={above(heightOf(value, scale))}
              r="3.5"
            />
          );
        })}
    </>
  );
}
