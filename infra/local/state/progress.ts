import { Transform } from "node:stream";
import { bytes } from "../../../cli/text.ts";

const REDRAW_MS = 200;

/** Shows on standard error how far a long work is, on one line, if that is a terminal. */
export interface Progress extends Disposable {
  /** A stream that passes everything on and counts it. */
  counter(): Transform;
}

/** `totalBytes` is undefined where nobody knows how much is to come. */
export function showProgress(verb: string, totalBytes: number | undefined): Progress {
  let done = 0;
  let drawnAtMs = 0;
  function draw(): void {
    if (!process.stderr.isTTY || performance.now() < drawnAtMs + REDRAW_MS) return;
    drawnAtMs = performance.now();
    const of = totalBytes === undefined ? "" : ` of ${bytes(totalBytes)}`;
    process.stderr.write(`\r\u001b[K${verb} ${bytes(done)}${of}`);
  }
  return {
    counter: () =>
      new Transform({
        transform(chunk: Buffer, _encoding, callback) {
          done += chunk.length;
          draw();
          callback(null, chunk);
        },
      }),
    [Symbol.dispose]() {
      if (drawnAtMs > 0) process.stderr.write("\r\u001b[K");
    },
  };
}
