import type { Usages } from "../../client/types.ts";
import { counted, tokensText, usdText } from "../words/amounts.ts";
import { durationText } from "../words/time.ts";

type Item = Usages["items"][number];
type Counts = Usages["total"];

/** How many days may be looked at. */
export const PERIODS = ["1", "7", "30", "90"] as const;
const USUAL = "30";
const DAY_MS = 24 * 3600_000;

/** What usage is asked for. Days are in UTC, as they are counted. */
export interface Period {
  days: number;
  from: string;
  /** The first day of as many days before. */
  beforeFrom: string;
  /** The days themselves, the last is today. */
  list: string[];
}

/**
 * @param asked how many days, as the address has it; anything else than {@link PERIODS} is a month
 */
export function periodOf(asked: string, now: number): Period {
  const days = Number(PERIODS.find((period) => period === asked) ?? USUAL);
  const dayAt = (index: number) => new Date(now + index * DAY_MS).toISOString().slice(0, 10);
  const list = Array.from({ length: days }, (_, index) => dayAt(index - days + 1));
  return { days, list, from: dayAt(1 - days), beforeFrom: dayAt(1 - 2 * days) };
}

/** The items of days, one for each day: those without runs have nothing. */
export function byDay(list: readonly string[], items: readonly Item[]): (Item | undefined)[] {
  const found = new Map(items.map((item) => [item.key, item]));
  return list.map((day) => found.get(day));
}

/** How runs ended, as people tell it; the failures first. */
export const OUTCOMES = [
  { word: "failed", statuses: ["failed"], tone: "bad" },
  { word: "timed out, expired", statuses: ["timed_out", "expired"], tone: "warn" },
  { word: "cancelled", statuses: ["cancelled"], tone: "line" },
  { word: "succeeded", statuses: ["succeeded"], tone: "bar" },
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Runs of an outcome, among counts by status. */
export function runsWith(
  outcome: Outcome,
  counts: readonly { status: string; runs: number }[],
): number {
  const statuses: readonly string[] = outcome.statuses;
  return counts
    .filter(({ status }) => statuses.includes(status))
    .reduce((sum, { runs }) => sum + runs, 0);
}

/** How often runs ended how, of usage by day or by status. */
export const statusesOf = ({ items }: Usages): { status: string; runs: number }[] =>
  items.flatMap(({ key, runs, statuses }) => statuses ?? [{ status: key ?? "", runs }]);

/** How long a phase took; undefined: no run had it. */
export const phaseOf = ({ phases }: Counts, name: string): Counts["phases"][number] | undefined =>
  phases.find((phase) => phase.name === name);

const daysText = (days: number): string => (days === 1 ? "today" : `in ${days} days`);

/** The head: what it came to, without a full stop. Days are told by UTC. */
export function headOf({ days }: Period, now: Usages): string {
  const { runs, costUsd } = now.total;
  if (runs === 0) return `No run ended ${daysText(days)}`;
  const cost = costUsd >= 100 ? `$${Math.round(costUsd).toLocaleString("en")}` : usdText(costUsd);
  const [failed, late] = OUTCOMES.map((outcome) => runsWith(outcome, statusesOf(now)));
  const bad = (failed ?? 0) + (late ?? 0);
  return `${cost} ${daysText(days)} for ${counted(runs, "run")}; ${shareText(bad, runs)} failed`;
}

function shareText(part: number, all: number): string {
  if (part === 0) return "none";
  const share = Math.round((100 * part) / all);
  return share === 0 ? "under 1 in 100" : `${share} in 100`;
}

export interface Tile {
  word: string;
  amount: string;
  more: string;
}

/** What the period came to, beside as many days before. */
export function tilesOf({ days }: Period, now: Usages, before: Usages): Tile[] {
  const { total } = now;
  const queue = phaseOf(total, "queue");
  const [good, goodBefore] = [now, before].map((usage) => shareOfGood(usage));
  const succeeded = runsWith(OUTCOMES[3], statusesOf(now));
  const earlier = goodBefore === undefined ? "" : `; ${percent(goodBefore)} before`;
  return [
    {
      word: "Cost",
      amount: usdText(total.costUsd),
      more: `${usdText(total.costUsd / Math.max(1, total.runs))} a run${changeText(total.costUsd, before.total.costUsd, days)}`,
    },
    {
      word: "Succeeded",
      amount: good === undefined ? "–" : percent(good),
      more: `${succeeded.toLocaleString("en")} of ${total.runs.toLocaleString("en")}${earlier}`,
    },
    {
      word: "Waiting in the queue, p95",
      amount: queue === undefined ? "–" : durationText(queue.p95Ms),
      more:
        queue === undefined ? "no run waited" : `half wait less than ${durationText(queue.p50Ms)}`,
    },
    {
      word: "Tokens",
      amount: tokensText(total.inputTokens + total.outputTokens),
      more: `${tokensText(total.inputTokens)} in, ${tokensText(total.outputTokens)} out`,
    },
  ];
}

function shareOfGood(usage: Usages): number | undefined {
  const { runs } = usage.total;
  return runs === 0 ? undefined : runsWith(OUTCOMES[3], statusesOf(usage)) / runs;
}

/** 87.4 %. */
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function changeText(now: number, before: number, days: number): string {
  if (before <= 0) return "";
  const change = Math.round((100 * (now - before)) / before);
  const than = days === 1 ? "yesterday" : `the ${days} days before`;
  if (change === 0) return `; as much as ${than}`;
  return `; ${Math.abs(change)} % ${change > 0 ? "more" : "less"} than ${than}`;
}
