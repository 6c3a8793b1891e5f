import { resolveAgent } from "../../../shared/agent/settings.ts";
import type { DryRun } from "../../../shared/api/dry-run.ts";
import type { AgentRef } from "../../../shared/documents/run.ts";
import type { Order } from "../../../shared/run/accept.ts";
import { type Histogram, quantile } from "../../../shared/usage/histogram.ts";
import { joinedDays } from "../../../shared/usage/usage-day.ts";
import type { Services } from "../../services/services.ts";
import type { Call } from "../http/call.ts";
import { refuseTooMuch } from "./accept-order.ts";

export const isDryRun = ({ dryRun = "false" }: { dryRun?: string }): boolean => dryRun !== "false";

/**
 * Answers what an order would come to. It refuses what accepting the order would refuse, and makes
 * and writes nothing.
 *
 * @throws {AppError} what accepting it would throw
 */
export async function answerDryRun(
  services: Services,
  { owner, response }: Call,
  order: Order,
): Promise<void> {
  await refuseTooMuch(services, owner, order);
  const { maxBudgetUsd, machineType, repository, repositories = [] } = resolveAgent(order.settings);
  const leftUsd = await services.runs.tryCreate(owner);
  const [queue, usually, look, looks] = await Promise.all([
    services.capacity.placeOfNext(owner, machineType),
    order.agent && usuallyOf(services, owner, order.agent),
    repository === undefined ? null : services.repositories.look(repository),
    Promise.all(repositories.map((each) => services.repositories.look(each))),
  ]);
  const answer: DryRun = {
    valid: true,
    agent: order.agent,
    maxCostUsd: Math.min(maxBudgetUsd, leftUsd ?? maxBudgetUsd),
    queue: queue ?? null,
    usually,
    repository: look,
    repositories: looks.map((one, at) => ({ folder: repositories[at]?.folder ?? "", ...one })),
  };
  response.json(answer);
}

const DAYS = 30;
const DAY_MS = 24 * 3600 * 1000;

/** What an owner's runs of an agent, of whatever version, took and cost lately. */
async function usuallyOf(
  { usage, now }: Services,
  owner: string,
  { id }: AgentRef,
): Promise<DryRun["usually"]> {
  const today = now().getTime();
  const days = Array.from({ length: DAYS }, (_, ago) =>
    new Date(today - ago * DAY_MS).toISOString().slice(0, 10),
  );
  const count = joinedDays(await usage.daysOf(owner, days)).by.agent[id];
  if (count === undefined) return null;
  const { runs, phases, costs = {} } = count;
  const took = phases["run"] ?? {};
  return {
    runs,
    p50Ms: quantile(took, 0.5) ?? 0,
    p95Ms: quantile(took, 0.95) ?? 0,
    p50CostUsd: costAt(costs, 0.5),
    p95CostUsd: costAt(costs, 0.95),
  };
}

/** In USD. The first bin is that of runs which cost nothing. */
function costAt(costs: Histogram, share: number): number | null {
  const micros = quantile(costs, share);
  return micros === null || micros > 1 ? micros && micros / 1_000_000 : 0;
}
