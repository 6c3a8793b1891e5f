/** Characters that change how others are shown, with the names that are shown in their place. */
const DIRECTIONS: Readonly<Record<string, string>> = {
  "\u061c": "ALM",
  "\u200e": "LRM",
  "\u200f": "RLM",
  "\u202a": "LRE",
  "\u202b": "RLE",
  "\u202c": "PDF",
  "\u202d": "LRO",
  "\u202e": "RLO",
  "\u2066": "LRI",
  "\u2067": "RLI",
  "\u2068": "FSI",
  "\u2069": "PDI",
};

const CONTROL_PICTURES = 0x2400;
const DELETE = 0x7f;

/**
 * A text of an agent's or a person's as it may be shown: control and direction characters are drawn
 * as signs, ␛ and ⟨RLO⟩; tabs and line ends stay.
 */
export function shown(text: string): string {
  return text.replace(UNSEEN, (character) => {
    const direction = DIRECTIONS[character];
    if (direction !== undefined) return `⟨${direction}⟩`;
    const code = character.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(CONTROL_PICTURES + code);
    return code === DELETE ? "␡" : `⟨${code.toString(16).toUpperCase()}⟩`;
  });
}

const UNSEEN = /[^\P{Cc}\t\n]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Its first line, without spaces around it. */
export function firstLine(text: string): string {
  return shown(text.trim().split("\n", 1)[0] ?? "");
}

/** Its beginning, if it is longer than `length` characters. */
export function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length).trimEnd()}…` : text;
}
