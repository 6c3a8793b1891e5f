const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

/** A size for a person: `1.5 MB`. */
export function bytes(size: number): string {
  const unit = Math.min(UNITS.length - 1, size < 1000 ? 0 : Math.floor(Math.log10(size) / 3));
  const value = size / 1000 ** unit;
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

/** `1 topic`, `2 topics` */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

const SECOND_MS = 1000;
const HOUR_SECONDS = 3600;

/** Elapsed time for a person: `0:07`, `12:40`, `3:02:11`. */
export function clockOf(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / SECOND_MS));
  const two = (value: number) => String(value).padStart(2, "0");
  const [hours, rest] = [Math.floor(seconds / HOUR_SECONDS), seconds % HOUR_SECONDS];
  const minutes = Math.floor(rest / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest % 60)}` : `${minutes}:${two(rest % 60)}`;
}

/** An amount of money: `$0`, `$0.0123`. */
export function usd(amount: number): string {
  return amount === 0 ? "$0" : `$${amount.toFixed(4)}`;
}

const UNITS_OF_TIME = { "": 1, s: 1, m: 60, h: HOUR_SECONDS } as const;

/** Seconds of a time as people write it: `90`, `90s`, `10m`, `2h`; undefined if it is none. */
export function secondsOf(text: string): number | undefined {
  const [, count, unit = ""] = /^(\d{1,9})([smh]?)$/.exec(text) ?? [];
  if (count === undefined) return undefined;
  return Number(count) * UNITS_OF_TIME[unit as keyof typeof UNITS_OF_TIME];
}
