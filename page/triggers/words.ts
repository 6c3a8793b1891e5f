import type { Firing, Trigger } from "../../client/types.ts";
import { usdText } from "../words/amounts.ts";
import { shown } from "../words/shown.ts";
import type { Mark } from "../words/status.ts";
import { SCHEMES, STATUSES } from "./trigger-fields.ts";

/** What a trigger fires on, after its name. */
export function sourceText({ source }: Pick<Trigger, "source">): string {
  if (source.kind === "schedule") return shown(`${source.cron}, ${source.timeZone ?? "UTC"}`);
  if (source.kind === "webhook") return `posts to its hook, by ${SCHEMES[source.verify.scheme]}`;
  if (source.kind === "event") return shown(`${source.type} ${source.subject ?? ""}`.trim());
  return `runs that ${STATUSES[source.status]}`;
}

/** Whether it starts runs; undefined: it does, which says nothing. */
export function stateOf({ enabled, pausedWhy }: Trigger): Mark | undefined {
  if (pausedWhy !== null) return { icon: "failed", tone: "bad", word: "Paused itself" };
  return enabled ? undefined : { icon: "cancelled", tone: "ink3", word: "Disabled" };
}

/** The head of a trigger's view, without a full stop. */
export function triggerHead(trigger: Trigger): string {
  const name = shown(trigger.name);
  const state = stateOf(trigger);
  const at = trigger.source.kind === "schedule" ? "at" : "on";
  if (state === undefined) return `${name} fires ${at} ${sourceText(trigger)}`;
  return state.tone === "bad" ? `${name} has paused itself` : `${name} is disabled`;
}

/** The head of their list. */
export function triggersHead(all: readonly Trigger[]): string {
  if (all.length === 0) return "There is no trigger yet";
  const paused = all.filter(({ pausedWhy }) => pausedWhy !== null).length;
  if (paused > 0)
    return `${paused} of ${all.length} paused ${paused === 1 ? "itself" : "themselves"}`;
  const disabled = all.filter(({ enabled }) => !enabled).length;
  const what = all.length === 1 ? "One trigger" : `${all.length} triggers`;
  return disabled === 0 ? what : `${what}, ${disabled} disabled`;
}

/** What it has started and spent today of what it may; what is set aside counts. */
export function todayText({ today, limits: { runsPerDay, usdPerDay } }: Trigger): string {
  const runs = `${today?.runs ?? 0} of ${runsPerDay} runs`;
  if (usdPerDay === undefined) return runs;
  return `${runs}, ${usdText(today?.usd ?? 0)} of ${usdText(usdPerDay)}`;
}

/** What became of an event, as it is drawn and called. */
export const OUTCOMES: Readonly<Record<Firing["outcome"], Mark>> = {
  matched: { icon: "succeeded", tone: "ok", word: "Matched" },
  filtered: { icon: "cancelled", tone: "ink3", word: "Filtered" },
  duplicate: { icon: "pending", tone: "ink3", word: "Duplicate" },
  limited: { icon: "queued", tone: "warn", word: "Limited" },
  missed: { icon: "expired", tone: "warn", word: "Missed" },
  error: { icon: "failed", tone: "bad", word: "Error" },
};
