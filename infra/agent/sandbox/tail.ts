import { cutTextStart } from "../../../shared/text.ts";

/** The end of a stream, kept while the stream flows. */
export interface Tail {
  /** Resolved when the stream is over, however it ended. */
  done: Promise<void>;
  /**
   * At most `maxBytes` of UTF-8, with `…` in front if more came; `hide` sees it before it is cut.
   */
  text(hide: (text: string) => string): string;
}

export function tailOf(stream: AsyncIterable<Buffer>, maxBytes: number): Tail {
  let tail = Buffer.alloc(0);
  const read = async (): Promise<void> => {
    try {
      for await (const chunk of stream) tail = Buffer.concat([tail, chunk]).subarray(-2 * maxBytes);
    } catch {
      // The stream broke with its process; what came is kept.
    }
  };
  return { done: read(), text: (hide) => cutTextStart(hide(tail.toString()), maxBytes) };
}
