const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Durations that people say. */
const SAID: readonly (readonly [ms: number, word: string])[] = [
  [100, "0.1 s"],
  [300, "0.3 s"],
  [SECOND, "1 s"],
  [3 * SECOND, "3 s"],
  [10 * SECOND, "10 s"],
  [MINUTE, "1 min"],
  [5 * MINUTE, "5 min"],
  [20 * MINUTE, "20 min"],
  [HOUR, "1 h"],
  [5 * HOUR, "5 h"],
  [24 * HOUR, "24 h"],
];

/** Where a scale has its lines, from the lowest, and what is written at each. */
export interface Scale {
  ticks: number[];
  words: string[];
  /** Whether equal distances are equal factors. */
  isLog: boolean;
}

const MOST_TICKS = 5;

/** Round lines from nothing up to at least `most`; at most five. */
export function roundScale(most: number, wordOf: (tick: number) => string): Scale {
  const step = roundStep(Math.max(most, Number.MIN_VALUE) / (MOST_TICKS - 1));
  const count = Math.max(1, Math.ceil(most / step - 1e-9));
  const ticks = Array.from({ length: count + 1 }, (_, index) =>
    Number((index * step).toPrecision(12)),
  );
  return { ticks, words: ticks.map(wordOf), isLog: false };
}

/** The next of 1, 2, 2.5, 5 times a power of ten. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 2.5, 5, 10].find((one) => one * power >= least * (1 - 1e-9)) ?? 10;
  return factor * power;
}

/**
 * Lines at durations that people say, around all that were, in milliseconds; for a log scale; at
 * most five.
 */
export function durationScale(values: readonly number[]): Scale {
  const some = values.length === 0 ? [SECOND, MINUTE] : values;
  const [least, most] = [Math.min(...some), Math.max(...some)];
  const first = Math.max(
    0,
    SAID.findLastIndex(([ms]) => ms <= least),
  );
  const after = SAID.findIndex(([ms]) => ms >= most);
  const last = Math.max(first + 1, after < 0 ? SAID.length - 1 : after);
  const said = SAID.slice(first, last + 1);
  const step = Math.ceil((said.length - 1) / (MOST_TICKS - 1));
  const kept = said.filter((_, index) => (said.length - 1 - index) % step === 0 || index === 0);
  const scale = kept.length > MOST_TICKS ? kept.filter((_, index) => index !== 1) : kept;
  return { ticks: scale.map(([ms]) => ms), words: scale.map(([, word]) => word), isLog: true };
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A day of the calendar: 28 Nov. */
export function dayText(day: string): string {
  const [, month = "1", date = "1"] = day.split("-");
  return `${Number(date)} ${MONTHS[Number(month) - 1]}`;
}

/**
 * Which of so many days are written at their axis: the last, and at most four before, whole weeks
 * apart.
 */
export function dayTicks(days: number): number[] {
  const step = days <= MOST_TICKS ? 1 : days <= 7 ? 2 : 7 * Math.ceil((days - 1) / 7 / MOST_TICKS);
  const ticks: number[] = [];
  for (let index = days - 1; index >= 0; index -= step) ticks.unshift(index);
  return ticks;
}

/** How high a value stands: 0 at a scale's first line or below it, 1 at its last or above. */
export function heightOf(value: number, { ticks, isLog }: Scale): number {
  const measure = isLog ? Math.log : Number;
  const [least, most] = [measure(ticks[0] ?? 0), measure(ticks.at(-1) ?? 1)];
  return Math.min(1, Math.max(0, (measure(value) - least) / (most - least)));
}

/** Where the middle of a day lies, as a share of the width. */
export const middleOf = (index: number, days: number): number => (index + 0.5) / days;

/** The day that has a share of the width: the first before it, the last behind it. */
export const indexAt = (share: number, days: number): number =>
  Math.min(days - 1, Math.max(0, Math.floor(share * days)));

/** From where to where each value reaches when each series stands on those before it. */
export function stacked(series: readonly (readonly number[])[]): (readonly [number, number])[][] {
  const feet: number[] = [];
  return series.map((values) =>
    values.map((value, index) => {
      const foot = feet[index] ?? 0;
      feet[index] = foot + value;
      return [foot, foot + value] as const;
    }),
  );
}

/**
 * Moves heights up until each is at least so far from the next below it; in the order that they
 * had.
 */
export function apart(heights: readonly number[], least: number): number[] {
  const moved = [...heights];
  const upwards = heights.map((_, index) => index).sort((a, b) => at(heights, a) - at(heights, b));
  for (const [place, index] of upwards.entries()) {
    const below = upwards[place - 1];
    if (below !== undefined) moved[index] = Math.max(at(moved, index), at(moved, below) + least);
  }
  return moved;
}

const at = (heights: readonly number[], index: number): number => heights[index] ?? 0;
