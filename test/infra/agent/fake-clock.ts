import type { Clock } from "../../../shared/clock.ts";

/** A clock that only moves when told. */
export function startFakeClock(): Clock & { advance(ms: number): Promise<void> } {
  let now = 0;
  let timers: { at: number; period: number | undefined; callback: () => void }[] = [];
  const add = (delayMs: number, period: number | undefined, callback: () => void) => {
    const timer = { at: now + delayMs, period, callback };
    timers.push(timer);
    return () => {
      timers = timers.filter((other) => other !== timer);
    };
  };
  return {
    now: () => now,
    after: (delayMs, callback) => add(delayMs, undefined, callback),
    every: (periodMs, callback) => add(periodMs, periodMs, callback),
    async advance(ms) {
      const end = now + ms;
      for (;;) {
        const [next] = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        now = next.at;
        if (next.period === undefined) timers = timers.filter((other) => other !== next);
        else next.at += next.period;
        next.callback();
        await new Promise((resolve) => setImmediate(resolve));
      }
      now = end;
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}
