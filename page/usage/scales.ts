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

/** Where a scale has its lines, and what is written at each. */
export interface Scale {
  ticks: number[];
  words: string[];
}

const MOST_TICKS = 5;

/** Round lines from nothing up to at least `most`; at most five. */
export function roundScale(most: number, wordOf: (tick: number) => string): Scale {
  const step = roundStep(Math.max(most, Number.MIN_VALUE) / (MOST_TICKS - 1));
  const count = Math.max(1, Math.ceil(most / step - 1e-9));
  const ticks = Array.from({ length: count + 1 }, (_, index) =>
    Number((index * step).toPrecision(12)),
  );
  return { ticks, words: ticks.map(wordOf) };
}

/** The next of 1, 2, 2.5, 5 times a power of ten. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 2.5, 5, 10].find((one) => one * power >= least * (1 - 1e-9)) ?? 10;
  return factor * power;
}

/** Lines at durations that people say, around all that were, in milliseconds; for a log scale; at most five. */
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
  return { ticks: scale.map(([ms]) => ms), words: scale.map(([, word]) => word) };
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A day of the calendar: 28 Nov. */
export function dayText(day: string): string {
  const [, month = "1", date = "1"] = day.split("-");
  return `${Number(date)} ${MONTHS[Number(month) - 1]}`;
}

/** Which of so many days are written at their axis: the last, and at most four before, whole weeks apart. */
export function dayTicks(days: number): number[] {
  const step = days <= MOST_TICKS ? 1 : days <= 7 ? 2 : 7 * Math.ceil((days - 1) / 7 / MOST_TICKS);
  const ticks: number[] = [];
  for (let index = days - 1; index >= 0; index -= step) ticks.unshift(index);
  return ticks;
}
