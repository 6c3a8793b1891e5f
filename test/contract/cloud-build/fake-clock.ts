import type { Clock } from "../../../infra/emulators/wire/clock.ts";

/** A clock that stands still until it is advanced. */
export interface FakeClock extends Clock {
  advance(ms: number): void;
}

export function fakeClock(startMs = Date.parse("2026-01-02T03:04:05.678Z")): FakeClock {
  let nowMs = startMs;
  const timers = new Set<{ atMs: number; callback: () => void }>();
  const due = () =>
    [...timers].filter((timer) => timer.atMs <= nowMs).sort((a, b) => a.atMs - b.atMs)[0];
  return {
    now: () => nowMs,
    setTimeout(callback, delayMs) {
      const timer = { atMs: nowMs + delayMs, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      const endMs = nowMs + ms;
      for (;;) {
        const next = [...timers].sort((a, b) => a.atMs - b.atMs)[0];
        if (next === undefined || next.atMs > endMs) break;
        nowMs = Math.max(nowMs, next.atMs);
        timers.delete(next);
        next.callback();
      }
      nowMs = endMs;
      for (let timer = due(); timer; timer = due()) {
        timers.delete(timer);
        timer.callback();
      }
    },
  };
}
