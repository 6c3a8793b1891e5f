import { randomBytes } from "node:crypto";
import type { Clock } from "../../../shared/clock.ts";
import type { AgentEvent } from "../../../shared/documents/event.ts";
import type { AgentFacts } from "../../../shared/documents/manifest.ts";
import { RUN_LIMITS } from "../../../shared/limits.ts";
import { cutText } from "../../../shared/text.ts";
import { BudgetSpent, type Refusal } from "./allowed.ts";
import { type PassedRecord, recordPassed } from "./passed.ts";
import { type Prices, priceOf } from "./prices.ts";
import { type ModelProxyOptions, startModelProxy } from "./proxy.ts";
import { askAgainAt } from "./retry-after.ts";
import { openSpending, type Spending, type SpendingStore } from "./spending.ts";

export interface ModelAccessOptions {
  socketPath: string;
  baseUrl: string;
  apiKey: string;
  prices: Prices;
  /** Of the whole run, in USD, */
  budgetUsd: number;
  /**
   * … and what of its owner's day is set aside for this attempt; undefined: the day has no budget.
   */
  ownerBudgetUsd?: number | undefined;
  store: SpendingStore;
  clock: Clock;
  /** Puts out of a text what nobody may see. */
  hide(text: string): string;
  /** Is told of the first {@link TOLD_REFUSALS} requests that were refused. */
  onEvent(event: AgentEvent): void;
}

/** An agent's way to its model, and all that is known for certain of what went there. */
export interface ModelAccess {
  /** The key that the agent gets, worth nothing elsewhere. */
  placeholderKey: string;
  /** What this attempt may spend, in USD. */
  budgetUsd: number;
  passed: PassedRecord;
  spending(): NonNullable<AgentFacts["spending"]>;
  /** What the answers so far have used; of those that still come, nothing. */
  usage(): Extract<AgentEvent, { type: "usage" }>;
  /** For how long the API wants to be left alone from now on, if its last answer said so. */
  retryAfterSeconds(): number | undefined;
  /** What kept the API from answering the last request, in a sentence; undefined: it answered. */
  fault(): string | undefined;
  /**
   * Lets the agent converse until that is disposed, which ends every conversation; one at a time.
   */
  open(): Promise<AsyncDisposable>;
}

/** Tokens of all answers. */
interface Tokens {
  input: number;
  output: number;
}

const TOLD_REFUSALS = 20;

const spendingFact = (
  spending: Spending,
  { tokens, isExhausted }: { tokens: Tokens; isExhausted: boolean },
): NonNullable<AgentFacts["spending"]> => ({
  costUsd: spending.spentUsd(),
  earlierUsd: spending.earlierUsd,
  inputTokens: tokens.input,
  outputTokens: tokens.output,
  isExhausted,
  ...(spending.isOwners && { isOwners: true }),
});

const usageEvent = (
  { input, output }: Tokens,
  costUsd: number,
): Extract<AgentEvent, { type: "usage" }> => ({
  type: "usage",
  inputTokens: input,
  outputTokens: output,
  costUsd,
});

/**
 * The way to the model, not open yet.
 *
 * @throws if the storage does not say what earlier attempts have spent.
 */
export async function openModelAccess(options: ModelAccessOptions): Promise<ModelAccess> {
  const { clock, onEvent, prices, store } = options;
  const placeholderKey = `runyard-${randomBytes(24).toString("hex")}`;
  const { budgetUsd: runUsd, ownerBudgetUsd: attemptUsd = Number.POSITIVE_INFINITY } = options;
  const spending = await openSpending({ runUsd, attemptUsd }, store);
  const passed = recordPassed(options.hide);
  const tokens = { input: 0, output: 0 };
  let refusals = 0;
  let again: number | undefined;
  let fault: string | undefined;
  let isExhausted = spending.limitUsd <= 0;
  const shown = (text: string): string =>
    cutText(options.hide(text).toWellFormed(), RUN_LIMITS.eventTextBytes);
  const onRefused = (refusal: Refusal): void => {
    refusals += 1;
    isExhausted ||= refusal instanceof BudgetSpent;
    if (refusals > TOLD_REFUSALS) return;
    onEvent({ type: "refused", text: shown(refusal.message) });
  };
  const proxied: ModelProxyOptions = {
    ...options,
    placeholderKey,
    spending,
    passed,
    priceOf: (model) => priceOf(prices, model),
    onRefused,
    onUnreachable({ message }) {
      const text = shown(message);
      if (text !== fault) onEvent({ type: "retry", text });
      fault = text;
    },
    onAnswer({ statusCode: status = 0, headers }) {
      fault = undefined;
      again = askAgainAt({ status, headers }, clock.now());
    },
    onTokens({ output, ...prompt }) {
      tokens.input += Object.values(prompt).reduce((sum, count) => sum + count, 0);
      tokens.output += output;
    },
  };
  return {
    placeholderKey,
    budgetUsd: spending.limitUsd,
    passed,
    spending: () => spendingFact(spending, { tokens, isExhausted }),
    usage: () => usageEvent(tokens, spending.settledUsd()),
    retryAfterSeconds: () =>
      again === undefined ? undefined : Math.max(0, Math.ceil((again - clock.now()) / 1000)),
    fault: () => fault,
    open: () => startModelProxy(proxied),
  };
}
