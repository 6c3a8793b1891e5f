import { type Token, tokenize } from "./filter-tokens.ts";

/** Whether a message with these attributes passes a subscription's filter. */
export type AttributesFilter = (attributes: Record<string, string>) => boolean;

/** The tokens of a filter and how far they are read. */
interface Reader {
  tokens: Token[];
  position: number;
}

/**
 * Compiles a filter of Pub/Sub's filter language; an empty one lets everything pass.
 *
 * `attributes:KEY`, `attributes.KEY = "V"`, `attributes.KEY != "V"`, `hasPrefix(attributes.KEY,
 * "V")`, combined with `AND`, `OR`, `NOT` (or `-`) and parentheses. `AND` and `OR` may not stand
 * side by side without parentheses. `!=` also passes a message that lacks the key.
 *
 * @throws {SyntaxError} that says what is wrong.
 * @see https://cloud.google.com/pubsub/docs/subscription-message-filter
 */
export function compileFilter(filter: string): AttributesFilter {
  if (filter.trim() === "") return () => true;
  const reader: Reader = { tokens: tokenize(filter), position: 0 };
  const matches = expression(reader);
  if (reader.position < reader.tokens.length) throw unexpected(reader);
  return matches;
}

function expression(reader: Reader): AttributesFilter {
  const terms = [term(reader)];
  const operator = ["AND", "OR"].find((word) => peeks(reader, "word", word));
  if (operator === undefined) return terms[0] as AttributesFilter;
  while (accepts(reader, "word", operator)) terms.push(term(reader));
  if (peeks(reader, "word", operator === "AND" ? "OR" : "AND")) {
    throw new SyntaxError("AND and OR together need parentheses");
  }
  return operator === "AND"
    ? (attributes) => terms.every((matches) => matches(attributes))
    : (attributes) => terms.some((matches) => matches(attributes));
}

function term(reader: Reader): AttributesFilter {
  if (accepts(reader, "word", "NOT") || accepts(reader, "punctuation", "-")) {
    const matches = term(reader);
    return (attributes) => !matches(attributes);
  }
  if (accepts(reader, "punctuation", "(")) {
    const matches = expression(reader);
    expects(reader, ")");
    return matches;
  }
  if (accepts(reader, "word", "hasPrefix")) return hasPrefix(reader);
  return comparison(reader);
}

function hasPrefix(reader: Reader): AttributesFilter {
  expects(reader, "(");
  expectsAttributes(reader);
  expects(reader, ".");
  const key = attributeKey(reader);
  expects(reader, ",");
  const prefix = stringLiteral(reader);
  expects(reader, ")");
  return (attributes) =>
    Object.hasOwn(attributes, key) && attributes[key]?.startsWith(prefix) === true;
}

function comparison(reader: Reader): AttributesFilter {
  expectsAttributes(reader);
  if (accepts(reader, "punctuation", ":")) {
    const key = attributeKey(reader);
    return (attributes) => Object.hasOwn(attributes, key);
  }
  expects(reader, ".");
  const key = attributeKey(reader);
  const isEqual = accepts(reader, "punctuation", "=");
  if (!isEqual) expects(reader, "!=");
  const value = stringLiteral(reader);
  return (attributes) => (attributes[key] === value) === isEqual;
}

function attributeKey(reader: Reader): string {
  const token = reader.tokens[reader.position];
  if (token === undefined || token.kind === "punctuation") throw unexpected(reader);
  reader.position++;
  return token.text;
}

function stringLiteral(reader: Reader): string {
  const token = reader.tokens[reader.position];
  if (token?.kind !== "string") throw unexpected(reader);
  reader.position++;
  return token.text;
}

function expectsAttributes(reader: Reader): void {
  if (!accepts(reader, "word", "attributes")) throw unexpected(reader);
}

function expects(reader: Reader, punctuation: string): void {
  if (!accepts(reader, "punctuation", punctuation)) throw unexpected(reader);
}

function accepts(reader: Reader, kind: Token["kind"], text: string): boolean {
  const isNext = peeks(reader, kind, text);
  if (isNext) reader.position++;
  return isNext;
}

function peeks(reader: Reader, kind: Token["kind"], text: string): boolean {
  const token = reader.tokens[reader.position];
  return token?.kind === kind && token.text === text;
}

function unexpected(reader: Reader): SyntaxError {
  const token = reader.tokens[reader.position];
  return new SyntaxError(token ? `unexpected ${JSON.stringify(token.text)}` : "unexpected end");
}
