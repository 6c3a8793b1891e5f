import { Lexer, type MarkedToken, type Token, type Tokens } from "marked";
import { shown } from "../words/shown.ts";

/** A text, or an element. */
export type Piece = string | { name: string; attributes: Attributes; inner: Piece[] };
type Attributes = Readonly<Record<string, string | number>>;

/** Draws what stands in a token. */
type Inner = (tokens: readonly Token[]) => Piece[];
type Drawn<T> = (token: T, inner: Inner) => Piece[];
/**
 * How each kind of token is drawn; what is not named here says nothing: HTML, images, definitions.
 */
type Drawing = { [K in MarkedToken["type"]]?: Drawn<Extract<MarkedToken, { type: K }>> };

const DRAWING: Drawing = {
  blockquote: ({ tokens }, inner) => element("blockquote", inner(tokens)),
  br: () => element("br"),
  checkbox: ({ checked }) => [checked ? "☑ " : "☐ "],
  code: ({ text }) => element("pre", element("code", [text])),
  codespan: ({ text }) => element("code", [text]),
  del: ({ tokens }, inner) => element("del", inner(tokens)),
  em: ({ tokens }, inner) => element("em", inner(tokens)),
  escape: ({ text }) => [text],
  heading: ({ depth, tokens }, inner) => element(`h${depth}`, inner(tokens)),
  hr: () => element("hr"),
  link: drawnLink,
  list: drawnList,
  paragraph: ({ tokens }, inner) => element("p", inner(tokens)),
  strong: ({ tokens }, inner) => element("strong", inner(tokens)),
  table: drawnTable,
  text: ({ text, tokens }, inner) => (tokens === undefined ? [unescaped(text)] : inner(tokens)),
};

/**
 * What is nested deeper is shown as it was written: no person nests so deep, and no stack is
 * endless.
 */
const DEEPEST = 40;

/**
 * A markdown text, without HTML, images or scripts; links lead away in a new tab. It never is HTML
 * on the way: what marked finds becomes elements whose names are ours, and texts.
 */
export function markdown(text: string): Piece[] {
  const written = shown(text);
  let tokens: Token[];
  try {
    tokens = new Lexer().lex(written);
  } catch {
    // Nested so deep that marked's own stack has an end.
    return element("pre", [written]);
  }
  return drawn(tokens, 0);
}

function drawn(tokens: readonly Token[], depth: number): Piece[] {
  const inner: Inner = (nested) =>
    depth < DEEPEST ? drawn(nested, depth + 1) : nested.map(({ raw }) => raw);
  return tokens.flatMap((token) => {
    const draw = DRAWING[token.type as MarkedToken["type"]] as Drawn<Token> | undefined;
    return draw?.(token, inner) ?? [];
  });
}

function element(name: string, inner: Piece[] = [], attributes: Attributes = {}): Piece[] {
  return [{ name, attributes, inner }];
}

function drawnLink({ href, tokens }: Tokens.Link, inner: Inner): Piece[] {
  if (!/^https?:/i.test(href)) return inner(tokens);
  return element("a", inner(tokens), { href, target: "_blank", rel: "noreferrer noopener" });
}

function drawnList({ ordered, start, items }: Tokens.List, inner: Inner): Piece[] {
  const rows = items.flatMap(({ tokens }) => element("li", inner(tokens)));
  return ordered ? element("ol", rows, { start: start === "" ? 1 : start }) : element("ul", rows);
}

function drawnTable({ header, rows }: Tokens.Table, inner: Inner): Piece[] {
  const row = (name: string, cells: readonly Tokens.TableCell[]): Piece[] =>
    element(
      "tr",
      cells.flatMap(({ align, tokens }) => element(name, inner(tokens), align ? { align } : {})),
    );
  const body = rows.flatMap((cells) => row("td", cells));
  return element("table", [...element("thead", row("th", header)), ...element("tbody", body)]);
}

/** Of the character references that markdown may have, those that people use. */
const REFERENCES: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
  "&nbsp;": "\u00a0",
};

const unescaped = (text: string): string =>
  text.replace(/&(?:amp|lt|gt|quot|#39|nbsp);/g, (reference) => REFERENCES[reference] ?? reference);
