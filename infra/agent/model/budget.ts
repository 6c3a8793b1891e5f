import type { MessagesBody } from "./allowed.ts";
import type { Answer } from "./answer.ts";
import type { Price } from "./prices.ts";
import { costOf, dearestInput, dearestOutput, type Tokens, tokensOf } from "./usage.ts";

/** The most that a request can cost, and its body that keeps it so. */
export interface Bound {
  usd: number;
  inputTokens: number;
  outputTokens: number;
  body: MessagesBody;
}

const MILLION = 1_000_000;

/** Tokens that the API adds to a request: its own words about tools, and the frames of messages. */
const OWN_TOKENS = 4_000;
/** The most of one image, whose bytes say nothing about it. */
const IMAGE_TOKENS = 5_000;
/** By how much the API's count may be off, which it calls an estimate. */
const COUNT_MARGIN = 1.05;
/** An answer that may have fewer tokens than this is none, */
const LEAST_OUTPUT = 256;
/** … and one that may have so many is not worth waiting for more. */
const PLENTY_OUTPUT = 32_000;
/** Thinking has at least so many tokens, and fewer than the answer. */
const LEAST_THINKING = 1_024;

/**
 * The bound by a request's bytes: no token is shorter than one. Undefined: it has a document, whose
 * tokens have nothing to do with its bytes.
 */
export function boundOf(body: MessagesBody, price: Price): Bound | undefined {
  const text = JSON.stringify(body);
  if (/"media_type":"application\/pdf"/.test(text)) return undefined;
  const images = text.split('"media_type":"image/').length - 1;
  const inputTokens = Buffer.byteLength(text) + images * IMAGE_TOKENS + OWN_TOKENS;
  return boundWith(body, { inputTokens, outputTokens: wantedOutput(body, price), price });
}

const wantedOutput = ({ max_tokens }: MessagesBody, { maxOutput }: Price): number =>
  Math.min(max_tokens ?? maxOutput, maxOutput);

function boundWith(
  body: MessagesBody,
  { inputTokens, outputTokens, price }: { inputTokens: number; outputTokens: number; price: Price },
): Bound {
  const usd = (inputTokens * dearestInput(price) + outputTokens * dearestOutput(price)) / MILLION;
  return { usd, inputTokens, outputTokens, body: withOutput(body, outputTokens) };
}

/**
 * The bound by the API's own count, with as long an answer as the rest of the budget pays.
 * Undefined: it pays for none, or for a short one though more may come back (not `isAlone`).
 */
export function withinBudget(
  body: MessagesBody,
  {
    tokens,
    price,
    leftUsd,
    isAlone,
  }: { tokens: number; price: Price; leftUsd: number; isAlone: boolean },
): Bound | undefined {
  const inputTokens = Math.ceil(tokens * COUNT_MARGIN) + OWN_TOKENS;
  const forOutput = leftUsd - (inputTokens * dearestInput(price)) / MILLION;
  const wanted = wantedOutput(body, price);
  const perToken = dearestOutput(price) / MILLION;
  const affordable = perToken === 0 ? wanted : Math.floor(forOutput / perToken);
  const outputTokens = Math.min(wanted, affordable);
  if (forOutput < 0 || outputTokens < Math.min(isAlone ? LEAST_OUTPUT : PLENTY_OUTPUT, wanted))
    return undefined;
  return boundWith(body, { inputTokens, outputTokens, price });
}

/** The body with an answer of at most so many tokens, and thinking that fits into it. */
function withOutput(body: MessagesBody, outputTokens: number): MessagesBody {
  const { thinking, ...rest } = body;
  const thought = Number(thinking?.budget_tokens ?? 0);
  const isTight = thought >= outputTokens;
  const kept =
    thinking === undefined || !isTight
      ? thinking
      : outputTokens > LEAST_THINKING
        ? { ...thinking, budget_tokens: outputTokens - 1 }
        : undefined;
  return { ...rest, max_tokens: outputTokens, ...(kept && { thinking: kept }) };
}

/**
 * What an answer cost. What it does not say, or says in words that are not known here, is never
 * free.
 */
export function costOfAnswer(
  { usage, isWhole }: Answer,
  bound: Bound,
  price: Price,
): { usd: number; tokens: Tokens | undefined } {
  const tokens = tokensOf(usage);
  if (tokens === undefined) return { usd: bound.usd, tokens: undefined };
  // Of an answer that broke off nobody says how long it would have been.
  const counted = isWhole ? tokens : { ...tokens, output: bound.outputTokens };
  return { usd: costOf(counted, price), tokens: counted };
}
