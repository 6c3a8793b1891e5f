import { isFields } from "../json.ts";
import type { Price } from "./prices.ts";

/** Tokens of one answer, by what they cost. */
export interface Tokens {
  input: number;
  cacheRead: number;
  cacheWrite5m: number;
  cacheWrite1h: number;
  output: number;
}

/** Fields of `usage` that say nothing about money, whatever they hold. */
const IDLE = new Set(["inference_geo", "output_tokens_details", "service_tier"]);

/**
 * What a `usage` of the Messages API says, or undefined: it says something that is not known here,
 * or that cannot be, so what was set aside for the request counts instead.
 *
 * @see https://docs.claude.com/en/api/messages
 */
export function tokensOf(usage: unknown): Tokens | undefined {
  if (!isFields(usage)) return undefined;
  const {
    input_tokens,
    output_tokens,
    cache_creation_input_tokens,
    cache_read_input_tokens,
    cache_creation,
    ...rest
  } = usage;
  if (Object.entries(rest).some(([name, value]) => !IDLE.has(name) && !isNothing(name, value))) {
    return undefined;
  }
  const written = countOf(cache_creation_input_tokens);
  const parts = isFields(cache_creation) ? cache_creation : {};
  const hour = countOf(parts["ephemeral_1h_input_tokens"]);
  const tokens = {
    input: countOf(input_tokens),
    cacheRead: countOf(cache_read_input_tokens),
    cacheWrite5m: written - hour,
    cacheWrite1h: hour,
    output: countOf(output_tokens),
  };
  return Object.values(tokens).every((count) => count >= 0) ? tokens : undefined;
}

/** A count; NaN if it is none. */
function countOf(value: unknown): number {
  if (value === undefined || value === null) return 0;
  return Number.isSafeInteger(value) ? Number(value) : Number.NaN;
}

/**
 * Whether a further field stands for nothing: absent, 0, empty, or the standard way of being
 * served.
 */
function isNothing(name: string, value: unknown): boolean {
  if (value === null || value === undefined || value === 0 || value === "") return true;
  if (name === "speed") return value === "standard";
  if (Array.isArray(value)) return value.length === 0;
  return isFields(value) && Object.entries(value).every(([field, part]) => isNothing(field, part));
}

const MILLION = 1_000_000;

/** What tokens cost, in USD. */
export function costOf(tokens: Tokens, price: Price): number {
  const prompt = tokens.input + tokens.cacheRead + tokens.cacheWrite5m + tokens.cacheWrite1h;
  const { longPrompt } = price;
  const times = longPrompt !== undefined && prompt > longPrompt.aboveTokens ? longPrompt.times : 1;
  const sum =
    tokens.input * price.input +
    tokens.cacheRead * price.cacheRead +
    tokens.cacheWrite5m * price.cacheWrite5m +
    tokens.cacheWrite1h * price.cacheWrite1h +
    tokens.output * price.output;
  return (sum * times) / MILLION;
}

/**
 * The most that a million tokens of a prompt can cost: all of it is written to the cache for an
 * hour.
 */
export function dearestInput({ cacheWrite1h, cacheWrite5m, input, longPrompt }: Price): number {
  return Math.max(cacheWrite1h, cacheWrite5m, input) * (longPrompt?.times ?? 1);
}

/** The most that a million tokens of an answer can cost. */
export const dearestOutput = ({ output, longPrompt }: Price): number =>
  output * (longPrompt?.times ?? 1);
