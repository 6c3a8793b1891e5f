import type { Usages } from "../../../shared/api/usage.ts";
import { type Histogram, quantile } from "../../../shared/usage/histogram.ts";
import {
  type Count,
  joinedDays,
  NONE,
  NOTHING,
  OTHER,
  sumOf,
  type UsageDay,
} from "../../../shared/usage/usage-day.ts";
import type { Services } from "../../services/services.ts";
import { invalid } from "../http/body.ts";
import type { CallOf } from "../http/call.ts";
import { periodOf } from "../http/instants.ts";

const DAY_MS = 24 * 3600 * 1000;
const DEFAULT_DAYS = 30;
const MAX_DAYS = 100;
/** Rows of an answer; what is more is one row. */
const MAX_ROWS = 100;

type Counts = Usages["total"];
type Row = Usages["items"][number];

/** `GET /v1/usage` */
export async function getUsage(services: Services, call: CallOf<"getUsage">): Promise<void> {
  const { by = "day" } = call.query;
  const { first, end } = daysIn(call.query, services.now());
  const days: string[] = [];
  for (let at = first; at < end; at += DAY_MS) days.push(dayOf(at));
  const parts = await services.usage.daysOf(call.owner, days);
  const all = joinedDays(parts);
  const answer: Usages = {
    by,
    from: dayOf(first),
    to: dayOf(end),
    items: by === "day" ? rowsOfDays(days, parts) : rowsOf(all.by[by]),
    total: shown(all.total),
  };
  call.response.json(answer);
}

/** @throws {AppError} invalid if the period is none, or too long */
function daysIn(query: { from?: string; to?: string }, now: Date): { first: number; end: number } {
  const tomorrow = (Math.floor(now.getTime() / DAY_MS) + 1) * DAY_MS;
  const { from, to } = periodOf(query);
  const end = to?.getTime() ?? tomorrow;
  const first = from?.getTime() ?? end - DEFAULT_DAYS * DAY_MS;
  const days = (end - first) / DAY_MS;
  if (days > MAX_DAYS) {
    const detail = `is ${days} days before to (${dayOf(end)}); at most ${MAX_DAYS} are counted at once`;
    throw invalid([{ pointer: "/from", detail }]);
  }
  if (days <= 0) {
    throw invalid([{ pointer: "/from", detail: `is not before to (${dayOf(end)})` }]);
  }
  return { first, end };
}

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

const rowsOfDays = (days: readonly string[], parts: readonly UsageDay[]): Row[] =>
  parts.flatMap(({ total, by }, at) => {
    const statuses = Object.entries(by.status).map(([status, { runs }]) => ({ status, runs }));
    return total.runs === 0 ? [] : [{ key: days[at] ?? null, ...shown(total), statuses }];
  });

function rowsOf(counts: Readonly<Record<string, Count>>): Row[] {
  const keyed = Object.entries(counts).filter(([key]) => key !== OTHER);
  keyed.sort(([, a], [, b]) => b.runs - a.runs);
  const rows = keyed.slice(0, MAX_ROWS).map(([key, count]) => {
    return { key: key === NONE ? null : key, ...shown(count) };
  });
  const left = keyed.slice(MAX_ROWS).map(([, count]) => count);
  const rest = left.reduce(sumOf, counts[OTHER] ?? NOTHING);
  return rest.runs === 0 ? rows : [...rows, { key: null, isRest: true, ...shown(rest) }];
}

function shown({ runs, costMicros, inputTokens, outputTokens, phases }: Count): Counts {
  const costUsd = costMicros / 1_000_000;
  const times = Object.entries(phases).map(([name, histogram]) => timesOf(name, histogram));
  return { runs, costUsd, inputTokens, outputTokens, phases: times };
}

const timesOf = (name: string, histogram: Histogram): Counts["phases"][number] => ({
  name: name as Counts["phases"][number]["name"],
  runs: Object.values(histogram).reduce((sum, count) => sum + count, 0),
  p50Ms: quantile(histogram, 0.5) ?? 0,
  p95Ms: quantile(histogram, 0.95) ?? 0,
});
