const CUT = "…";

/** The start of `text` that fits into `maxBytes` of UTF-8, with `…` if something was cut off. */
export function cutText(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  return wholeCharacters(bytes.subarray(0, maxBytes - Buffer.byteLength(CUT))) + CUT;
}

/** The end of `text` that fits into `maxBytes` of UTF-8, with `…` if something was cut off. */
export function cutTextStart(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  let start = bytes.length - maxBytes + Buffer.byteLength(CUT);
  while (isContinuation(bytes[start])) start += 1;
  return CUT + bytes.subarray(start).toString();
}

function wholeCharacters(bytes: Buffer): string {
  let end = bytes.length;
  while (end > 0 && isContinuation(bytes[end - 1])) end -= 1;
  const lead = bytes[end - 1] ?? 0;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  const isWhole = bytes.length - end + 1 === length;
  return bytes.subarray(0, isWhole ? bytes.length : end - 1).toString();
}

const isContinuation = (byte: number | undefined): boolean => ((byte ?? 0) & 0xc0) === 0x80;

/** One line for people: no control or invisible direction characters, at most `maxLength` characters. */
export function oneLine(text: string, maxLength: number): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\u2028\u2029\s]+/gu, " ").trim();
  const characters = Array.from(line);
  return characters.length <= maxLength ? line : characters.slice(0, maxLength - 1).join("") + CUT;
}

/** What went wrong, as one sentence. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
