/** Bytes of `text` as UTF-8. */
export function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** `text` cut to at most `maxBytes` of UTF-8, never within a character. */
export function truncateUtf8(text: string, maxBytes: number): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= maxBytes) return text;
  let end = maxBytes;
  while (end > 0 && isContinuation(bytes[end])) end -= 1;
  return new TextDecoder().decode(bytes.subarray(0, end));
}

const CUT = "…";

/** The start of `text` that fits into `maxBytes` of UTF-8, with `…` if something was cut off. */
export function cutText(text: string, maxBytes: number): string {
  if (utf8Length(text) <= maxBytes) return text;
  return truncateUtf8(text, maxBytes - utf8Length(CUT)) + CUT;
}

/** The end of `text` that fits into `maxBytes` of UTF-8, with `…` if something was cut off. */
export function cutTextStart(text: string, maxBytes: number): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= maxBytes) return text;
  let start = bytes.length - maxBytes + utf8Length(CUT);
  while (isContinuation(bytes[start])) start += 1;
  return CUT + new TextDecoder().decode(bytes.subarray(start));
}

/** Whether a byte of UTF-8 goes on with the character of the byte before it. */
const isContinuation = (byte: number | undefined): boolean => ((byte ?? 0) & 0xc0) === 0x80;

/**
 * The first characters of a text on one line, for people: white space folded, `…` where it was cut.
 */
export function preview(text: string, maxCharacters: number): string {
  const line = text
    .slice(0, maxCharacters * 4)
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim();
  const characters = Array.from(line);
  if (characters.length <= maxCharacters && text.length <= maxCharacters * 4) return line;
  return `${characters.slice(0, maxCharacters - 1).join("")}${CUT}`;
}

/** Whether `text` is free of what Firestore, Claude Code or a terminal cannot carry exactly. */
export function isWellFormed(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}

/** `1 topic`, `2 topics`, `1,000 entries` */
export function counted(count: number, noun: string): string {
  const many = noun.endsWith("y") ? `${noun.slice(0, -1)}ies` : `${noun}s`;
  return `${count.toLocaleString("en-US")} ${count === 1 ? noun : many}`;
}

/** The first items, as many as fit into `maxBytes` of JSON. */
export function takeWithin<T>(items: readonly T[], maxBytes: number): T[] {
  let left = maxBytes;
  const end = items.findIndex((item) => {
    left -= utf8Length(JSON.stringify(item)) + 1;
    return left < 0;
  });
  return items.slice(0, end === -1 ? items.length : end);
}
