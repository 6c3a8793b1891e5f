import type { Run } from "../documents/run.ts";
import { type Histogram, joined, withValue } from "./histogram.ts";

/** What runs came to. */
export interface Count {
  runs: number;
  /** Whole millionths of a USD, so that sums are exact. */
  costMicros: number;
  inputTokens: number;
  outputTokens: number;
  /**
   * What each run has cost, where that is known, in millionths of a USD; absent in parts of before.
   */
  costs?: Histogram;
  /** How long each phase took, and the whole run, as `run`. */
  phases: Record<string, Histogram>;
}

/** What runs can be counted by. */
export const GROUPINGS = ["status", "agent", "model", "label"] as const;
type Grouping = (typeof GROUPINGS)[number];

/**
 * A part of what an owner's runs that ended on a day came to: `usage/{SHA-256 of the owner,
 * hex}-{day}-{shard}` has it as JSON. A run is counted in one part, in the commit that ends it.
 */
export interface UsageDay {
  total: Count;
  by: Record<Grouping, Record<string, Count>>;
}

/** Keys of one grouping in one part; what is more is {@link OTHER}. */
const MAX_KEYS = 100;
/** The rest; no key of a status, an agent, a model or a label looks like it. */
export const OTHER = "(other)";
/** Of runs whose settings came with the request, or whose model is the engine's own choice. */
export const NONE = "(none)";

export const NOTHING: Count = {
  runs: 0,
  costMicros: 0,
  inputTokens: 0,
  outputTokens: 0,
  phases: {},
};
export const emptyDay = (): UsageDay => ({
  total: NOTHING,
  by: { status: {}, agent: {}, model: {}, label: {} },
});

/** The part with one more run, which is over. */
export function withRun(day: UsageDay, run: Run, model: string | null): UsageDay {
  const count = countOf(run);
  const keys: Record<Grouping, readonly string[]> = {
    status: [run.status],
    agent: [run.agent?.id ?? NONE],
    model: [model ?? NONE],
    label: run.labelPairs,
  };
  const by = { ...day.by };
  for (const grouping of GROUPINGS) {
    for (const key of keys[grouping]) by[grouping] = withKey(by[grouping], key, count);
  }
  return { total: sumOf(day.total, count), by };
}

/**
 * The part without the labels of a run in it that is erased: what it came to stays, as one of
 * {@link OTHER} labels.
 */
export function withoutLabels(day: UsageDay, run: Run): UsageDay {
  const count = countOf(run);
  const label = { ...day.by.label };
  for (const key of run.labelPairs) {
    const before = Object.hasOwn(label, key) ? label[key] : undefined;
    if (before === undefined) continue;
    const rest = sumOf(before, negative(count));
    if (rest.runs > 0) label[key] = rest;
    else delete label[key];
    label[OTHER] = sumOf(label[OTHER] ?? NOTHING, count);
  }
  return { ...day, by: { ...day.by, label } };
}

/** What a sum has less without it. */
function negative(count: Count): Count {
  const less = (histogram: Histogram): Histogram =>
    Object.fromEntries(Object.entries(histogram).map(([bin, times]) => [bin, -times]));
  const phases = Object.entries(count.phases).map(([name, times]) => [name, less(times)] as const);
  return {
    runs: -count.runs,
    costMicros: -count.costMicros,
    inputTokens: -count.inputTokens,
    outputTokens: -count.outputTokens,
    costs: less(count.costs ?? {}),
    phases: Object.fromEntries(phases),
  };
}

/** What several parts come to together. */
export function joinedDays(days: readonly UsageDay[]): UsageDay {
  const all = emptyDay();
  for (const { total, by } of days) {
    all.total = sumOf(all.total, total);
    for (const grouping of GROUPINGS) {
      for (const [key, count] of Object.entries(by[grouping])) {
        const before = Object.hasOwn(all.by[grouping], key) ? all.by[grouping][key] : undefined;
        all.by[grouping][key] = sumOf(before ?? NOTHING, count);
      }
    }
  }
  return all;
}

const microsOf = (usd: number): number => Math.round(usd * 1_000_000);

const costsOf = (usd: number | null): Histogram =>
  usd === null ? {} : withValue({}, microsOf(usd));

function countOf({ usage, phases, createdAt, finishedAt }: Run): Count {
  const whole = (finishedAt ?? createdAt).getTime() - createdAt.getTime();
  const histograms: Record<string, Histogram> = { run: withValue({}, whole) };
  for (const { name, ms } of phases) histograms[name] = withValue(histograms[name] ?? {}, ms);
  return {
    runs: 1,
    costMicros: microsOf(usage?.costUsd ?? 0),
    inputTokens: usage?.inputTokens ?? 0,
    outputTokens: usage?.outputTokens ?? 0,
    costs: costsOf(usage?.costUsd ?? null),
    phases: histograms,
  };
}

function withKey(counts: Record<string, Count>, wanted: string, count: Count) {
  const isKnown = Object.hasOwn(counts, wanted);
  const isFull = Object.keys(counts).length >= MAX_KEYS;
  const key = isKnown || !isFull ? wanted : OTHER;
  const before = Object.hasOwn(counts, key) ? counts[key] : undefined;
  return { ...counts, [key]: sumOf(before ?? NOTHING, count) };
}

/** What both come to together. */
export function sumOf(one: Count, other: Count): Count {
  const phases = { ...one.phases };
  for (const [name, histogram] of Object.entries(other.phases)) {
    phases[name] = joined(phases[name] ?? {}, histogram);
  }
  return {
    runs: one.runs + other.runs,
    costMicros: one.costMicros + other.costMicros,
    inputTokens: one.inputTokens + other.inputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
    costs: joined(one.costs ?? {}, other.costs ?? {}),
    phases,
  };
}
