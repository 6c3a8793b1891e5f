import { GoogleError } from "../wire/status.ts";
import { type Build, type Timestamp, timestampMs } from "./build.ts";

/** Whether a build is one of those that a list request asks for. */
export type BuildPredicate = (build: Build) => boolean;

type Token = { kind: "word" | "text" | "operator" | "bracket"; text: string };

const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*")|(!=|>=|<=|=|>|<)|([()])|([A-Za-z_][A-Za-z0-9_.]*))/y;

const STATUSES = [
  "STATUS_UNKNOWN",
  "PENDING",
  "QUEUED",
  "WORKING",
  "SUCCESS",
  "FAILURE",
  "INTERNAL_ERROR",
  "TIMEOUT",
  "CANCELLED",
  "EXPIRED",
];

/**
 * A text field, by the name it has in filters; a repeated one matches if any of its values does.
 */
const TEXT_FIELDS: Record<string, (build: Build) => string[]> = {
  status: (build) => [build.status],
  build_id: (build) => [build.id],
  trigger_id: (build) => [build.buildTriggerId ?? ""],
  tags: (build) => build.tags ?? [],
  images: (build) => build.images ?? [],
  "source.storage_source.bucket": (build) => [build.source?.storageSource?.bucket ?? ""],
  "source.storage_source.object": (build) => [build.source?.storageSource?.object ?? ""],
};

const TIME_FIELDS: Record<string, (build: Build) => Timestamp | undefined> = {
  create_time: (build) => build.createTime,
  start_time: (build) => build.startTime,
  finish_time: (build) => build.finishTime,
};

const COMPARISONS: Record<string, (a: number, b: number) => boolean> = {
  "=": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
};

/**
 * Reads a ListBuilds filter: `field op "value"` joined with `AND` and `OR` and grouped with
 * brackets; the empty filter takes every build.
 *
 * @throws {GoogleError} INVALID_ARGUMENT naming what is wrong in it.
 * @see https://cloud.google.com/build/docs/view-build-results#filtering_build_results_using_queries
 */
export function parseFilter(filter: string): BuildPredicate {
  const tokens = tokensOf(filter);
  if (tokens.length === 0) return () => true;
  const predicate = parseAnd(tokens, filter);
  const rest = tokens[0];
  if (rest !== undefined) throw invalidFilter(filter, `unexpected "${rest.text}"`);
  return predicate;
}

function tokensOf(filter: string): Token[] {
  const tokens: Token[] = [];
  let position = 0;
  while (filter.slice(position).trim() !== "") {
    TOKEN.lastIndex = position;
    const match = TOKEN.exec(filter);
    if (match === null) {
      throw invalidFilter(filter, `cannot read "${filter.slice(position).trim()}"`);
    }
    position = TOKEN.lastIndex;
    tokens.push(tokenOf(match));
  }
  return tokens;
}

function tokenOf([, text, operator, bracket, word]: RegExpExecArray): Token {
  if (text !== undefined) {
    return { kind: "text", text: text.slice(1, -1).replaceAll(/\\(.)/g, "$1") };
  }
  if (operator !== undefined) return { kind: "operator", text: operator };
  if (bracket !== undefined) return { kind: "bracket", text: bracket };
  return { kind: "word", text: word ?? "" };
}

// Differs: Google says nowhere which of AND and OR binds tighter here. This follows the rule of its
// other list methods (AIP-160): OR does. Brackets make it certain.
function parseAnd(tokens: Token[], filter: string): BuildPredicate {
  const parts = [parseOr(tokens, filter)];
  while (takeWord(tokens, "AND")) parts.push(parseOr(tokens, filter));
  return (build) => parts.every((part) => part(build));
}

function parseOr(tokens: Token[], filter: string): BuildPredicate {
  const parts = [parseTerm(tokens, filter)];
  while (takeWord(tokens, "OR")) parts.push(parseTerm(tokens, filter));
  return (build) => parts.some((part) => part(build));
}

function takeWord(tokens: Token[], word: string): boolean {
  const isNext = tokens[0]?.kind === "word" && tokens[0].text === word;
  if (isNext) tokens.shift();
  return isNext;
}

function parseTerm(tokens: Token[], filter: string): BuildPredicate {
  const first = tokens.shift();
  if (first?.kind === "bracket" && first.text === "(") {
    const inner = parseAnd(tokens, filter);
    if (tokens.shift()?.text !== ")") throw invalidFilter(filter, "missing )");
    return inner;
  }
  if (first?.kind !== "word") throw invalidFilter(filter, "expected a field name");
  const operator = tokens.shift();
  if (operator?.kind !== "operator") {
    throw invalidFilter(filter, `expected an operator after "${first.text}"`);
  }
  const value = tokens.shift();
  if (value?.kind !== "text") {
    throw invalidFilter(filter, `the value of "${first.text}" must be in double quotes`);
  }
  return comparison(first.text, operator.text, { value: value.text, filter });
}

function comparison(
  field: string,
  operator: string,
  { value, filter }: { value: string; filter: string },
): BuildPredicate {
  const timeOf = Object.hasOwn(TIME_FIELDS, field) ? TIME_FIELDS[field] : undefined;
  if (timeOf !== undefined) {
    const instant = Date.parse(value);
    if (Number.isNaN(instant)) throw invalidFilter(filter, `"${value}" is not an RFC 3339 time`);
    return (build) => {
      const time = timeOf(build);
      return time !== undefined && (COMPARISONS[operator]?.(timestampMs(time), instant) ?? false);
    };
  }
  const textsOf = Object.hasOwn(TEXT_FIELDS, field) ? TEXT_FIELDS[field] : undefined;
  if (textsOf === undefined) throw invalidFilter(filter, `unknown field "${field}"`);
  if (operator !== "=" && operator !== "!=") {
    throw invalidFilter(filter, `operator "${operator}" does not apply to "${field}"`);
  }
  if (field === "status" && !STATUSES.includes(value)) {
    throw invalidFilter(filter, `"${value}" is not a status`);
  }
  return (build) => textsOf(build).includes(value) === (operator === "=");
}

// Differs: the texts about list filters are ours; Google's are not known.
function invalidFilter(filter: string, reason: string): GoogleError {
  return new GoogleError("INVALID_ARGUMENT", `invalid list filter: ${filter}: ${reason}`);
}
