import type { Line } from "./patch.ts";

/** Lines that stand side by side. */
export interface Pair {
  before: Line | null;
  after: Line | null;
}

/** A part of a line, from one character to before another. */
export interface Span {
  from: number;
  to: number;
}

/** Lines side by side: what was removed beside what was added in its place. */
export function pairsOf(lines: readonly Line[]): Pair[] {
  const pairs: Pair[] = [];
  let removed: Line[] = [];
  let added: Line[] = [];
  const settle = () => {
    for (let i = 0; i < Math.max(removed.length, added.length); i += 1) {
      pairs.push({ before: removed[i] ?? null, after: added[i] ?? null });
    }
    removed = [];
    added = [];
  };
  for (const line of lines) {
    if (line.kind === "removed") {
      if (added.length > 0) settle();
      removed.push(line);
    } else if (line.kind === "added") added.push(line);
    else {
      settle();
      pairs.push({ before: line, after: line });
    }
  }
  settle();
  return pairs;
}

/** Words of a line that are compared; of a longer one no word is marked. */
const MOST_WORDS = 120;
/** A pair of which less is the same has nothing in common that is worth marking the rest. */
const LEAST_SAME = 0.3;

/** The words of both lines of a pair that the other one has not, as spans. */
export function changedWords(before: string, after: string): { before: Span[]; after: Span[] } {
  const [old, young] = [wordsOf(before), wordsOf(after)];
  const none = { before: [], after: [] };
  if (old.length > MOST_WORDS || young.length > MOST_WORDS) return none;
  const { inOld, inYoung, length } = common(old, young);
  const all = Math.max(before.trim().length, after.trim().length);
  if (all === 0 || length < all * LEAST_SAME) return none;
  return { before: spansOf(old, inOld), after: spansOf(young, inYoung) };
}

const wordsOf = (line: string): string[] => line.match(/\w+|\s+|[^\w\s]/gu) ?? [];

/** The longest sequence of words that both have, and how many characters of it are no spaces. */
function common(old: readonly string[], young: readonly string[]) {
  const rows = Array.from({ length: old.length + 1 }, () => new Uint16Array(young.length + 1));
  const at = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let i = old.length - 1; i >= 0; i -= 1) {
    const row = rows[i] as Uint16Array;
    for (let j = young.length - 1; j >= 0; j -= 1) {
      row[j] = old[i] === young[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const [inOld, inYoung] = [new Set<number>(), new Set<number>()];
  let length = 0;
  for (let i = 0, j = 0; i < old.length && j < young.length; ) {
    if (old[i] === young[j]) {
      inOld.add(i++);
      length += young[j]?.trim().length ?? 0;
      inYoung.add(j++);
    } else if (at(i + 1, j) >= at(i, j + 1)) i += 1;
    else j += 1;
  }
  return { inOld, inYoung, length };
}

/** Where the words stand that are not the same; what touches is one span. */
function spansOf(words: readonly string[], same: ReadonlySet<number>): Span[] {
  const spans: Span[] = [];
  let from = 0;
  for (const [i, word] of words.entries()) {
    const to = from + word.length;
    const last = spans.at(-1);
    if (!same.has(i) && last?.to === from) last.to = to;
    else if (!same.has(i)) spans.push({ from, to });
    from = to;
  }
  return spans;
}
