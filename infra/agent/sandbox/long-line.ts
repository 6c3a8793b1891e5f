const [QUOTE, BACKSLASH, U] = [0x22, 0x5c, 0x75];

/** A line of JSON in which long texts end early; it is JSON all the same. */
export interface LongLine {
  take(piece: Buffer): void;
  /** Undefined if it is too long even so. */
  text(): string | undefined;
}

/**
 * Takes a line of JSON that is too long to be kept, piece by piece, in bounded memory.
 *
 * @param limits.textBytes of each text in it
 * @param limits.lineBytes of the whole
 */
export function longLine({
  textBytes,
  lineBytes,
}: {
  textBytes: number;
  lineBytes: number;
}): LongLine {
  let pieces: Buffer[] = [];
  let size = 0;
  let isText = false;
  /** Bytes that still belong to what a backslash began. */
  let escaped = 0;
  let length = 0;
  let isCut = false;

  /** A byte within a text. @returns whether it stays. */
  const keepsInText = (byte: number): boolean => {
    if (escaped > 0) {
      escaped += byte === U && escaped === 1 ? 3 : -1;
      return !isCut;
    }
    isText = byte !== QUOTE;
    if (!isText) return true;
    // Never within a character or an escape.
    isCut ||= length > textBytes && (byte & 0xc0) !== 0x80;
    if (byte === BACKSLASH) escaped = 1;
    return !isCut;
  };
  /** @returns whether the byte stays. */
  const keeps = (byte: number): boolean => {
    length += 1;
    if (isText) return keepsInText(byte);
    if (byte === QUOTE) [isText, length, isCut] = [true, 0, false];
    return true;
  };
  const keep = (piece: Buffer): void => {
    if (piece.length === 0) return;
    size += piece.length;
    if (size > lineBytes) pieces = [];
    else pieces.push(Buffer.from(piece));
  };
  return {
    take(piece) {
      let from = 0;
      let isOpen = true;
      for (let at = 0; at < piece.length; at += 1) {
        const isKept = keeps(piece[at] as number);
        if (isKept === isOpen) continue;
        if (isOpen) keep(piece.subarray(from, at));
        else from = at;
        isOpen = isKept;
      }
      if (isOpen) keep(piece.subarray(from));
    },
    text: () => (size > lineBytes ? undefined : Buffer.concat(pieces).toString()),
  };
}
