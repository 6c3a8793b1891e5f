const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const two = (n: number): string => String(n).padStart(2, "0");

/** How long something took, in milliseconds: 0.2 s, 38 s, 4 m 12 s, 2 h 05 m. */
export function durationText(ms: number): string {
  if (ms < 9_950) return `${(Math.max(0, ms) / SECOND).toFixed(1)} s`;
  return countedText(Math.round(ms / SECOND) * SECOND);
}

/** How long something takes so far, in milliseconds: whole seconds, which never count back. */
export function countedText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / SECOND));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} m ${two(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`;
}

/** The same words, where no line breaks within a duration or before a percent sign. */
export const unbroken = (words: string): string =>
  words.replace(/\d+ (?:[hms]\b|min\b|%)(?: \d\d [ms]\b)?/g, (part) =>
    part.replaceAll(" ", "\u00a0"),
  );

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** An instant where the reader is: 14:02 today, 28 Nov this year, else 28 Nov 2025. */
export function timeText(at: string, now: number): string {
  const [then, today] = [new Date(at), new Date(now)];
  const day = `${then.getDate()} ${MONTHS[then.getMonth()]}`;
  if (then.getFullYear() !== today.getFullYear()) return `${day} ${then.getFullYear()}`;
  if (then.toDateString() !== today.toDateString()) return day;
  return `${two(then.getHours())}:${two(then.getMinutes())}`;
}

/** The same with the time of day: 14:02 today, else 28 Nov, 14:02. */
export function momentText(at: string, now: number): string {
  const then = new Date(at);
  const [day, time] = [timeText(at, now), `${two(then.getHours())}:${two(then.getMinutes())}`];
  return day === time ? time : `${day}, ${time}`;
}

/** To the second, where the reader is: 14:06:31. */
export function clockText(at: number): string {
  const then = new Date(at);
  return [then.getHours(), then.getMinutes(), then.getSeconds()].map(two).join(":");
}

/** The same instant for whoever is elsewhere: 2026-11-29 14:02:07 UTC. */
export function utcText(at: string): string {
  return `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** Milliseconds since the epoch. */
export const instant = (at: string): number => Date.parse(at);

/** A day's beginning so many days ago, as the API takes it. */
export function daysAgo(days: number, now: number): string {
  return new Date(now - days * 24 * HOUR).toISOString();
}

/**
 * When the reader's day began, so many days ago; as the API writes instants, which sort as texts.
 */
export function dayStart(now: number, daysBefore: number): string {
  const day = new Date(now);
  day.setHours(0, 0, 0, 0);
  day.setDate(day.getDate() - daysBefore);
  return day.toISOString();
}

/**
 * A time that somebody wrote, in seconds: 90, 90 s, 20 min, 1 h 30 min; undefined: it is none.
 */
export function writtenSeconds(text: string): number | undefined {
  const parts = [...text.trim().matchAll(/(\d+(?:\.\d+)?)\s*([a-z]*)\s*/gi)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join("") !== text.trim())
    return undefined;
  let seconds = 0;
  for (const [, amount, unit = ""] of parts) {
    const of = UNITS[unit.toLowerCase()];
    if (of === undefined) return undefined;
    seconds += Number(amount) * of;
  }
  return Math.round(seconds);
}

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  s: 1,
  sec: 1,
  m: 60,
  min: 60,
  minutes: 60,
  h: 3600,
  hours: 3600,
};
