import { after } from "../clock.ts";
import type { TriggerLimits } from "./trigger.ts";

/**
 * `triggerCounts/{trigger}.{day}.{part}`: what a trigger started on a day, in one of the parts that
 * its limits are divided over. Amounts are whole millionths of a USD, so that sums are exact.
 */
export interface TriggerCount {
  schemaVersion: 1;
  owner: string;
  triggerId: string;
  /** `2026-01-31`, in UTC. */
  day: string;
  /** Runs by the hour of the day, `0` to `23`. */
  hours: Record<string, number>;
  runs: number;
  /** What runs that are not over may still spend, */
  reservedMicros: number;
  /** … and what those that are have spent. */
  spentMicros: number;
  expireAt: Date;
}

/** Runs an hour that one part takes: a document is written about once a second. */
const RUNS_OF_PART = 100;
const MOST_PARTS = 8;
const MICROS = 1_000_000;
const KEPT_SECONDS = 3 * 24 * 3600;

/** Over how many documents a trigger's limits are divided; what is spent stands in one. */
export const partsOf = ({ runsPerHour, usdPerDay }: TriggerLimits): number =>
  usdPerDay === undefined ? Math.min(MOST_PARTS, Math.ceil(runsPerHour / RUNS_OF_PART)) : 1;

/** What of a limit one part has: all of them together have the limit. */
const shareOf = (limit: number, part: number, parts: number): number =>
  Math.floor((limit + parts - 1 - part) / parts);

export const dayOf = (now: Date): string => now.toISOString().slice(0, 10);

export const countId = (triggerId: string, day: string, part: number): string =>
  `${triggerId}.${day}.${part}`;

/** The parts in the order in which an event asks them: it begins at one by its key. */
export function partsFrom(start: number, limits: TriggerLimits): number[] {
  const parts = partsOf(limits);
  return Array.from({ length: parts }, (_, n) => (start + n) % parts);
}

/** Which limit is reached. */
export type Bound = "hour" | "day" | "usd";

/** A part of the limits, and what is to be taken from it at `now`. */
export interface Asked {
  limits: TriggerLimits;
  part: number;
  now: Date;
  /** What the run may spend. */
  budgetMicros: number;
}

/** Which limit has no room for one more run in this part; undefined: it has. */
export function boundOf(
  count: TriggerCount | undefined,
  { limits, part, now, budgetMicros }: Asked,
): Bound | undefined {
  const parts = partsOf(limits);
  const { runs = 0, hours = {}, reservedMicros = 0, spentMicros = 0 } = count ?? {};
  if (runs >= shareOf(limits.runsPerDay, part, parts)) return "day";
  const { usdPerDay } = limits;
  const usedMicros = reservedMicros + spentMicros + budgetMicros;
  if (usdPerDay !== undefined && usedMicros > Math.floor(usdPerDay * MICROS)) return "usd";
  const inHour = hours[now.getUTCHours()] ?? 0;
  return inHour >= shareOf(limits.runsPerHour, part, parts) ? "hour" : undefined;
}

/** The part with one more run; call only if {@link boundOf} finds room. */
export function withRun(
  count: TriggerCount | undefined,
  of: { owner: string; triggerId: string },
  { limits, now, budgetMicros }: Asked,
): TriggerCount {
  const hour = String(now.getUTCHours());
  const { hours = {}, runs = 0, reservedMicros = 0, spentMicros = 0 } = count ?? {};
  const reserved = limits.usdPerDay === undefined ? 0 : budgetMicros;
  return {
    schemaVersion: 1,
    ...of,
    day: dayOf(now),
    hours: { ...hours, [hour]: (hours[hour] ?? 0) + 1 },
    runs: runs + 1,
    reservedMicros: reservedMicros + reserved,
    spentMicros,
    expireAt: after(now, KEPT_SECONDS),
  };
}

/** The part after the end of a run for which `reservedMicros` were set aside. */
export function withSpent(
  count: TriggerCount,
  { reservedMicros, spentMicros }: { reservedMicros: number; spentMicros: number },
): TriggerCount {
  return {
    ...count,
    reservedMicros: Math.max(0, count.reservedMicros - reservedMicros),
    spentMicros: count.spentMicros + spentMicros,
  };
}

/** What a trigger started on a day, in all parts of its limits together. */
export function sumOf(
  counts: readonly (TriggerCount | undefined)[],
  { usdPerDay }: TriggerLimits,
): { runs: number; usd: number | null } {
  let [runs, micros] = [0, 0];
  for (const count of counts) {
    runs += count?.runs ?? 0;
    micros += (count?.reservedMicros ?? 0) + (count?.spentMicros ?? 0);
  }
  return { runs, usd: usdPerDay === undefined ? null : micros / MICROS };
}

/** Why an event started no run, in people's words. */
export function wordsOf(bounds: readonly Bound[], limits: TriggerLimits): string {
  const { runsPerHour, runsPerDay, usdPerDay } = limits;
  if (bounds.includes("usd")) {
    return `The ${usdPerDay} USD that the trigger may spend in a day are spent or set aside, until midnight UTC.`;
  }
  return bounds.includes("hour")
    ? `The trigger's limit of ${runsPerHour} runs an hour is reached.`
    : `The trigger's limit of ${runsPerDay} runs a day is reached, until midnight UTC.`;
}

export const microsOf = (usd: number): number => Math.ceil(usd * MICROS);
