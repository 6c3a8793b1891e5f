import type { Clock } from "../wire/clock.ts";

/**
 * Calls back once the clock shows `atMs` (milliseconds since the epoch) or later, however far away
 * that is; the returned function takes the alarm back.
 */
export function setAlarm(clock: Clock, atMs: number, callback: () => void): () => void {
  let cancel = wait();
  function wait(): () => void {
    return clock.setTimeout(
      () => {
        if (clock.now() >= atMs) callback();
        else cancel = wait();
      },
      Math.max(0, atMs - clock.now()),
    );
  }
  return () => cancel();
}
