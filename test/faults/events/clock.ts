/** Which minutes a schedule names, by what the clock of its zone shows: croner has no part in it. */
export interface Clock {
  /** Five fields, of which only minutes and hours may say something. */
  cron: string;
  timeZone: string;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 3600 * 1000;

/**
 * Each instant between two at which a schedule shall fire. A time of day that comes twice
 * counts once, and one that is left out at the first instant after it; with `*` or `/` what the
 * clock shows decides alone.
 */
export function instantsOf({ cron, timeZone }: Clock, from: Date, to: Date): string[] {
  const [minutes = "", hours = ""] = cron.split(" ");
  const isNamed = (shown: number) =>
    isIn(minutes, minuteOf(shown), 60) && isIn(hours, hourOf(shown), 24);
  const isTimeOfDay = !/[*/]/.test(minutes + hours);
  const shownAt = clockOf(timeZone);
  const seen = new Set<number>();
  const instants: string[] = [];
  // What was shown on the day before counts for what comes twice.
  for (let at = from.getTime() - DAY_MS; at < to.getTime(); at += MINUTE_MS) {
    const shown = shownAt(at);
    const leftOut = isTimeOfDay ? minutesBetween(shownAt(at - MINUTE_MS), shown) : [];
    const isNew = !isTimeOfDay || !seen.has(shown);
    seen.add(shown);
    const isWanted = (isNew && isNamed(shown)) || leftOut.some(isNamed);
    if (isWanted && at > from.getTime()) instants.push(new Date(at).toISOString());
  }
  return instants;
}

const minuteOf = (shown: number): number => (shown / MINUTE_MS) % 60;
const hourOf = (shown: number): number => Math.floor(shown / MINUTE_MS / 60) % 24;

function* minutesAfter(before: number, shown: number): Generator<number> {
  for (let at = before + MINUTE_MS; at < shown; at += MINUTE_MS) yield at;
}
const minutesBetween = (before: number, shown: number): number[] => [
  ...minutesAfter(before, shown),
];

/** What a zone's clock shows at an instant, as the instant at which one of UTC shows it. */
function clockOf(timeZone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone,
    dateStyle: "short",
    timeStyle: "short",
  });
  return (at) => Date.parse(`${format.format(at).replace(" ", "T")}Z`);
}

/** Whether a field has a number: `*`, a step, numbers and ranges. */
function isIn(field: string, value: number, size: number): boolean {
  return field.split(",").some((part) => {
    const [range = "", step = "1"] = part.split("/");
    const [low = 0, high = low] = range === "*" ? [0, size - 1] : range.split("-").map(Number);
    return value >= low && value <= high && (value - low) % Number(step) === 0;
  });
}
