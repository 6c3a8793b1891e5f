import { systemClock } from "../../infra/emulators/wire/clock.ts";
import type { InjectedFaults } from "../../infra/emulators/wire/faults.ts";

/**
 * Is told each call as the stand-in takes it; `request` is what a fault's predicate would be given.
 */
// biome-ignore lint/suspicious/noExplicitAny: each method has its own request type
export type Observer = (method: string, request: any) => void;

/**
 * Faults that never happen: at each place of the stand-in one that looks at each call and lets it
 * pass.
 */
export function observing(observer: Observer): InjectedFaults {
  return {
    counts: () => [],
    assertFired() {},
    assertArmed() {},
    arm: (method) => [
      {
        action: { type: "delay", ms: 0 },
        method,
        clock: systemClock,
        decide(request) {
          observer(method, request);
          return false;
        },
        note() {},
      },
    ],
  };
}
