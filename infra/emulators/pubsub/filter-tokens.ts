/** A piece of a filter: punctuation stands for itself. */
export type Token =
  | { kind: "word"; text: string }
  | { kind: "string"; text: string }
  | { kind: "punctuation"; text: string };

const PIECE =
  /\s*(?:(?<word>[A-Za-z0-9_][\w-]*)|"(?<string>(?:[^"\\]|\\.)*)"|(?<punctuation>!=|[():.,=-]))/suy;
const ESCAPE = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-3][0-7]{2})|(.))/gsu;
const SIMPLE_ESCAPES: Record<string, string> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  '"': '"',
  "'": "'",
  "?": "?",
  "`": "`",
};

/** Cuts a filter into tokens. Throws a `SyntaxError` that names the place. */
export function tokenize(filter: string): Token[] {
  const tokens: Token[] = [];
  const end = filter.trimEnd().length;
  PIECE.lastIndex = 0;
  while (PIECE.lastIndex < end) {
    const at = PIECE.lastIndex;
    const groups = PIECE.exec(filter)?.groups;
    if (groups === undefined) throw new SyntaxError(`unexpected character at position ${at}`);
    const { word, string, punctuation } = groups;
    if (word !== undefined) tokens.push({ kind: "word", text: word });
    else if (string !== undefined) tokens.push({ kind: "string", text: unescaped(string) });
    else tokens.push({ kind: "punctuation", text: punctuation ?? "" });
  }
  return tokens;
}

function unescaped(literal: string): string {
  return literal.replace(ESCAPE, (...match: (string | undefined)[]) => {
    const [whole, x, u, longU, octal, simple] = match;
    if (simple === undefined) return String.fromCodePoint(codePoint(x ?? u ?? longU, octal));
    const character = SIMPLE_ESCAPES[simple];
    if (character === undefined) throw new SyntaxError(`unknown escape ${whole}`);
    return character;
  });
}

function codePoint(hexadecimal: string | undefined, octal: string | undefined): number {
  const point =
    hexadecimal === undefined ? Number.parseInt(octal ?? "", 8) : Number.parseInt(hexadecimal, 16);
  if (point > 0x10ffff) throw new SyntaxError(`no such character: ${hexadecimal}`);
  return point;
}
