/** What a stream of lines gave: a line without its end, or the size of one that was too long to keep. */
export type Line = { text: string } | { droppedBytes: number };

/**
 * Splits a byte stream into lines in bounded memory: of a line longer than `maxLineBytes` only the size
 * is given. A last line without an end counts.
 */
export async function* readLines(
  stream: AsyncIterable<Buffer>,
  maxLineBytes: number,
): AsyncGenerator<Line> {
  let pieces: Buffer[] = [];
  let size = 0;
  const take = (): Line => {
    const line =
      size > maxLineBytes ? { droppedBytes: size } : { text: Buffer.concat(pieces).toString() };
    pieces = [];
    size = 0;
    return line;
  };
  const keep = (piece: Buffer): void => {
    size += piece.length;
    if (size > maxLineBytes) pieces = [];
    else pieces.push(piece);
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
