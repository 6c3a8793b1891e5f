import { once } from "node:events";
import type { Response } from "express";
import type { Clock } from "../../../shared/clock.ts";
import { STREAMS } from "../../../shared/limits.ts";
import { hangUp } from "./hang-up.ts";

/** An answer that is sent piece by piece. */
export interface OpenStream {
  /** Aborts when there is nobody, or no time, to send to any more. */
  signal: AbortSignal;
  /** Whether what was written has gone out, but for what the system's buffers hold. */
  isIdle(): boolean;
  /**
   * Sends a piece, and waits while the client is slow, so that no more than one piece is in memory.
   * A client that takes nothing for `STREAMS.stallSeconds` is dropped. Resolves also when `signal`
   * aborts.
   */
  write(piece: string | Uint8Array): Promise<void>;
}

/**
 * Begins to send the body of `response`.
 *
 * @param ends abort it too
 */
export function openStream(
  response: Response,
  timers: Pick<Clock, "after">,
  ends: readonly AbortSignal[] = [],
): OpenStream {
  const signal = hangUp(response, ends);
  // What is written to a connection that has just broken is an error; `signal` says the same.
  response.on("error", () => response.destroy());
  response.flushHeaders();
  return {
    signal,
    isIdle: () => !response.writableNeedDrain,
    async write(piece) {
      if (signal.aborted || response.write(piece)) return;
      const cancel = timers.after(STREAMS.stallSeconds * 1000, () => response.destroy());
      try {
        await once(response, "drain", { signal });
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        cancel();
      }
    },
  };
}
