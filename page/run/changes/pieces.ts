import { cut, shown } from "../../words/shown.ts";
import type { Span } from "./pairs.ts";

/** A piece of a line as it is drawn. */
export interface Piece {
  text: string;
  /** How it is coloured: a keyword, a string or number, a comment, or none. */
  tone: "k" | "s" | "c" | "";
  isChanged: boolean;
}

/** A span of a line that is coloured. */
export interface Tone extends Span {
  tone: "k" | "s" | "c";
}

/** Of a longer line the beginning is drawn, in characters. */
const MOST_CHARACTERS = 2000;

/**
 * A line in pieces: cut wherever its colour or its mark changes.
 *
 * @param tones from left to right, none upon another, like `changed`
 */
export function piecesOf(
  text: string,
  { tones = [], changed = [] }: { tones?: readonly Tone[]; changed?: readonly Span[] },
): Piece[] {
  const end = Math.min(text.length, MOST_CHARACTERS);
  const edges = [0, end, ...[...tones, ...changed].flatMap(({ from, to }) => [from, to])];
  const cuts = [...new Set(edges.filter((at) => at <= end))].sort((a, b) => a - b);
  const pieces = cuts.slice(1).map((to, i): Piece => {
    const from = cuts[i] ?? 0;
    const covers = (span: Span) => span.from <= from && to <= span.to;
    const tone = tones.find(covers)?.tone ?? "";
    return { text: shown(text.slice(from, to)), tone, isChanged: changed.some(covers) };
  });
  const more = text.length - end;
  if (more > 0)
    pieces.push({ text: cut(` … ${more} more characters`, 60), tone: "c", isChanged: false });
  return pieces;
}

/** Spans of a text as spans of its lines. */
export function byLine(lines: readonly string[], spans: readonly Tone[]): Tone[][] {
  const tones = lines.map((): Tone[] => []);
  let row = 0;
  let begin = 0;
  const lengthOf = (at: number): number => lines[at]?.length ?? 0;
  for (const { from, to, tone } of spans) {
    for (let at = from; at < to && row < lines.length; ) {
      while (at > begin + lengthOf(row)) {
        begin += lengthOf(row) + 1;
        row += 1;
      }
      const end = Math.min(to, begin + lengthOf(row));
      if (end > at) tones[row]?.push({ from: at - begin, to: end - begin, tone });
      at = end + 1;
    }
  }
  return tones;
}
