import { signal } from "@preact/signals";
import type { Usages } from "../../client/types.ts";
import { api, endedSession } from "../session.ts";
import { counted, usdText } from "../words/amounts.ts";
import { daysAgo, durationText } from "../words/time.ts";

type Item = Usages["items"][number];

/** What the runs of the last 30 days came to, by their agents' ids; null: not known yet. */
export const usageOfAgents = signal<ReadonlyMap<string, Item> | null>(null);

export async function loadAgentUsage(): Promise<void> {
  try {
    const from = daysAgo(29, Date.now()).slice(0, 10);
    const { items } = await api().usage({ by: "agent", from });
    usageOfAgents.value = new Map(items.map((item) => [item.key ?? "", item]));
  } catch (error) {
    // Without it only what is usual is not said.
    endedSession(error);
  }
}

/** What an agent's runs usually come to. */
export interface Usual {
  runs: number;
  /** How long half of them took at most. */
  halfUnder: string;
  /** How long 95 of 100 took at most. */
  mostUnder: string;
  /** What one has cost on average. */
  cost: string;
}

/** @returns undefined if none has ended */
export function usualOf(item: Item | undefined): Usual | undefined {
  const whole = item?.phases.find(({ name }) => name === "run");
  if (item === undefined || whole === undefined || item.runs === 0) return undefined;
  return {
    runs: item.runs,
    halfUnder: durationText(whole.p50Ms),
    mostUnder: durationText(whole.p95Ms),
    cost: usdText(item.costUsd / item.runs),
  };
}

/** The head of an agent's view, without a full stop. */
export function agentHead(name: string, usual: Usual | undefined): string {
  if (usual === undefined) return `${name}: no run ended in 30 days`;
  return `${name}: ${counted(usual.runs, "run")} in 30 days, half under ${usual.halfUnder}`;
}
