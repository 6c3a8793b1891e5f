import { isFields } from "../json.ts";

/** What a model costs, in USD for a million tokens. */
export interface Price {
  input: number;
  output: number;
  /** Writing to the cache, for five minutes and for an hour. */
  cacheWrite5m: number;
  cacheWrite1h: number;
  cacheRead: number;
  /** The most tokens of one answer. */
  maxOutput: number;
  /** Of a prompt with more than `aboveTokens` everything costs this many times as much. */
  longPrompt?: { aboveTokens: number; times: number };
}

/**
 * List prices of the standard tier, as Claude Code 2.1.330 has them in its catalog (29 November
 * 2026).
 *
 * @see https://docs.claude.com/en/docs/about-claude/pricing
 */
const TIERS = {
  opus15: { input: 15, output: 75, cacheRead: 1.5 },
  fable10: { input: 10, output: 50, cacheRead: 1 },
  fable10Cached: { input: 10, output: 50, cacheRead: 0.25 },
  fable8: { input: 8, output: 40, cacheRead: 0.2 },
  opus5: { input: 5, output: 25, cacheRead: 0.5 },
  opus4: { input: 4, output: 20, cacheRead: 0.2 },
  sonnet3: { input: 3, output: 15, cacheRead: 0.3 },
  sonnet2: { input: 2, output: 10, cacheRead: 0.2 },
  sonnet2Cached: { input: 2, output: 10, cacheRead: 0.1 },
  haiku1: { input: 1, output: 5, cacheRead: 0.1 },
  haiku08: { input: 0.8, output: 4, cacheRead: 0.08 },
  haiku01: {
    input: 0.1,
    output: 0.5,
    cacheRead: 0.01,
    longPrompt: { aboveTokens: 100_000, times: 5 },
  },
} as const;

/** Models with their tier and the most tokens of an answer. */
const MODELS: Readonly<Record<string, readonly [keyof typeof TIERS, number]>> = {
  "claude-3-5-haiku": ["haiku08", 8192],
  "claude-haiku-4-5": ["haiku1", 64_000],
  "claude-haiku-5-5": ["haiku01", 128_000],
  "claude-3-5-sonnet": ["sonnet3", 8192],
  "claude-3-7-sonnet": ["sonnet3", 64_000],
  "claude-sonnet-4": ["sonnet3", 64_000],
  "claude-sonnet-4-0": ["sonnet3", 64_000],
  "claude-sonnet-4-5": ["sonnet3", 64_000],
  "claude-sonnet-4-6": ["sonnet3", 128_000],
  "claude-sonnet-5": ["sonnet2", 128_000],
  "claude-sonnet-5-5": ["sonnet2Cached", 128_000],
  "claude-opus-4": ["opus15", 32_000],
  "claude-opus-4-0": ["opus15", 32_000],
  "claude-opus-4-1": ["opus15", 32_000],
  "claude-opus-4-5": ["opus5", 64_000],
  "claude-opus-4-6": ["opus5", 128_000],
  "claude-opus-4-7": ["opus5", 128_000],
  "claude-opus-4-8": ["opus5", 128_000],
  "claude-opus-5": ["opus5", 128_000],
  "claude-opus-5-5": ["opus4", 128_000],
  "claude-fable-5": ["fable10", 128_000],
  "claude-fable-5-1": ["fable10Cached", 128_000],
  "claude-fable-5-2": ["fable8", 128_000],
  "claude-mythos-5": ["fable10", 128_000],
  "claude-mythos-5-1": ["fable10Cached", 128_000],
  "claude-mythos-5-2": ["fable8", 128_000],
};

/** Prices by a model's name without its date. */
export type Prices = ReadonlyMap<string, Price>;

/** A model's cached input costs what its uncached input costs, times these. */
const CACHE_WRITE_5M = 1.25;
const CACHE_WRITE_1H = 2;

function priceOfTier([tier, maxOutput]: readonly [keyof typeof TIERS, number]): Price {
  const { input } = TIERS[tier];
  return {
    ...TIERS[tier],
    cacheWrite5m: input * CACHE_WRITE_5M,
    cacheWrite1h: input * CACHE_WRITE_1H,
    maxOutput,
  };
}

const LIST_PRICES: Prices = new Map(
  Object.entries(MODELS).map(([name, model]) => [name, priceOfTier(model)]),
);

const OVERRIDE = "RUNYARD_MODEL_PRICES";
const FIELDS = ["input", "output", "cacheWrite5m", "cacheWrite1h", "cacheRead", "maxOutput"];
const DEFAULT_MAX_OUTPUT = 128_000;

/**
 * The list prices, with those of the operator above them.
 *
 * @param override JSON such as `{"claude-next": {"input": 3, "output": 15}}`: USD for a million
 * tokens.
 *   Absent fields follow from `input` as they do in the list; `*` is every model that is not named.
 * @throws if it is something else.
 */
export function readPrices(override: string | undefined): Prices {
  if (!override) return LIST_PRICES;
  const prices = new Map(LIST_PRICES);
  for (const [name, given] of Object.entries(parse(override))) {
    const { input, output } = given;
    if (input === undefined || output === undefined) {
      throw new Error(`${OVERRIDE}: ${name} needs "input" and "output"`);
    }
    prices.set(name, {
      cacheWrite5m: input * CACHE_WRITE_5M,
      cacheWrite1h: input * CACHE_WRITE_1H,
      cacheRead: input,
      maxOutput: DEFAULT_MAX_OUTPUT,
      ...given,
      input,
      output,
    });
  }
  return prices;
}

function parse(override: string): Record<string, Partial<Price>> {
  let value: unknown;
  try {
    value = JSON.parse(override);
  } catch (error) {
    throw new Error(`${OVERRIDE} is not JSON`, { cause: error });
  }
  if (!isFields(value)) throw new Error(`${OVERRIDE} must be an object of models`);
  for (const [name, price] of Object.entries(value)) {
    if (!isFields(price)) throw new Error(`${OVERRIDE}: the price of ${name} must be an object`);
    for (const [field, amount] of Object.entries(price)) {
      if (!FIELDS.includes(field)) throw new Error(`${OVERRIDE}: ${name} has no field ${field}`);
      if (!(typeof amount === "number" && amount >= 0)) {
        throw new Error(`${OVERRIDE}: ${field} of ${name} must be a number of at least 0`);
      }
    }
  }
  return value as Record<string, Partial<Price>>;
}

/**
 * The price of a model by the name that a request has, with its date or without; undefined:
 * unknown.
 */
export function priceOf(prices: Prices, model: string): Price | undefined {
  const name = model.replace(/-(\d{8}|latest)$/, "");
  return prices.get(model) ?? prices.get(name) ?? prices.get("*");
}
