import type { Clock } from "./clock.ts";

/** Messages of one place that are held back until the next one has gone out. */
export interface Overtaking {
  /** Holds one: `release` is called when it was overtaken, or after `withinMs`; once. */
  hold(release: (isOvertaken: boolean) => void, withinMs: number): () => void;
  /** Says that a later message has gone out. */
  overtake(): void;
}

/** Nothing is held yet. */
export function startOvertaking(clock: Clock): Overtaking {
  const held = new Set<(isOvertaken: boolean) => void>();
  return {
    hold(release, withinMs) {
      const end = (isOvertaken: boolean) => {
        cancelTimer();
        if (held.delete(end)) release(isOvertaken);
      };
      const cancelTimer = clock.setTimeout(() => end(false), withinMs);
      held.add(end);
      return () => {
        cancelTimer();
        held.delete(end);
      };
    },
    overtake() {
      for (const release of [...held]) release(true);
    },
  };
}
