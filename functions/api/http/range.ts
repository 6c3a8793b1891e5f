/** Bytes from `start` to `end`, both included. */
export interface Span {
  start: number;
  end: number;
}

/**
 * The part of `sizeBytes` bytes that a `Range` header asks for; undefined: all of them, which is
 * also the answer to several ranges at once and to what is no range of bytes, as HTTP allows.
 *
 * Not by the library `range-parser`: it refuses a suffix that is longer than the content.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-14.2
 */
export function spanOf(
  header: string | undefined,
  sizeBytes: number,
): Span | "unsatisfiable" | undefined {
  const [, first = "", last = ""] = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  if (first !== "" && last !== "" && Number(last) < Number(first)) return undefined;
  const lastByte = sizeBytes - 1;
  const span =
    first === ""
      ? { start: Math.max(0, sizeBytes - Number(last)), end: lastByte }
      : { start: Number(first), end: last === "" ? lastByte : Math.min(Number(last), lastByte) };
  return span.start > lastByte ? "unsatisfiable" : span;
}
