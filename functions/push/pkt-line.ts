/** What separates lines: the end of a message, and of a part of one. */
export const FLUSH = Buffer.from("0000");
export const DELIMITER = Buffer.from("0001");

/** A line of git's protocol. @see https://git-scm.com/docs/protocol-common#_pkt_line_format */
export function pktLine(text: string): Buffer {
  const content = Buffer.from(`${text}\n`);
  return Buffer.concat([Buffer.from((content.length + 4).toString(16).padStart(4, "0")), content]);
}

/**
 * The lines of a message, their contents; null: what separates them.
 *
 * @throws {SyntaxError} if it is none
 */
export function* pktLinesIn(message: Buffer): Generator<Buffer | null> {
  for (let at = 0; at < message.length; ) {
    const head = message.toString("latin1", at, at + 4);
    const length = /^[0-9a-f]{4}$/i.test(head) ? Number.parseInt(head, 16) : Number.NaN;
    if (length < 4) {
      at += 4;
      yield null;
      continue;
    }
    if (!(length >= 4 && at + length <= message.length)) throw new SyntaxError("no line of git's");
    yield message.subarray(at + 4, at + length);
    at += length;
  }
}

/** A line as text, without its end. */
export const textOf = (line: Buffer): string => line.toString("utf8").replace(/\n$/, "");
