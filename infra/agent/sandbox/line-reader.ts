import { type LongLine, longLine } from "./long-line.ts";

/**
 * What a stream of lines gave: a line without its end, or the size of one that was too long to
 * keep. `cutBytes` is the size of a line of JSON whose long texts were cut.
 */
export type Line = { text: string; cutBytes?: number } | { droppedBytes: number };

/**
 * Splits a byte stream into lines in bounded memory: of a line longer than `maxLineBytes` only the
 * size is given. A last line without an end counts.
 *
 * @param textBytes if it is given, a longer line is kept with its texts, as in JSON, cut to so many
 * bytes
 */
export async function* readLines(
  stream: AsyncIterable<Buffer>,
  maxLineBytes: number,
  textBytes?: number,
): AsyncGenerator<Line> {
  let pieces: Buffer[] = [];
  let long: LongLine | undefined;
  let size = 0;
  const take = (): Line => {
    const line = size > maxLineBytes ? longOne() : { text: Buffer.concat(pieces).toString() };
    pieces = [];
    long = undefined;
    size = 0;
    return line;
  };
  const longOne = (): Line => {
    const text = long?.text();
    return text === undefined ? { droppedBytes: size } : { text, cutBytes: size };
  };
  const keep = (piece: Buffer): void => {
    size += piece.length;
    if (size <= maxLineBytes) return void pieces.push(piece);
    if (textBytes !== undefined && long === undefined) {
      long = longLine({ textBytes, lineBytes: maxLineBytes });
      for (const earlier of pieces) long.take(earlier);
    }
    long?.take(piece);
    pieces = [];
  };
  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      keep(chunk.subarray(start, end));
      yield take();
      start = end + 1;
    }
    if (start < chunk.length) keep(chunk.subarray(start));
  }
  if (size > 0) yield take();
}
