import type { Clock } from "../../../shared/clock.ts";
import { TIMING } from "../../../shared/limits.ts";
import type { Objects } from "./objects.ts";

/** What is known of whether others have decided an attempt. */
export interface Supersession {
  /** Something looks as if they had: it is worth a look, at once the first time. */
  suspect(): void;
  /** Looks when it is time to: each minute, and after a suspicion. */
  isSuperseded(): Promise<boolean>;
}

/** Between looks that suspicions cause: reports that are refused keep coming. */
const SUSPICION_MS = 10_000;

/**
 * Looks for a manifest that is not ours: whoever gives an attempt up creates it first, and it never
 * goes away. A report that is refused proves nothing by itself, since it may be an API between two
 * versions.
 *
 * @param manifest its name; call nothing of this once it is created by ourselves
 */
export function watchForOthers(
  objects: Pick<Objects, "exists">,
  manifest: string,
  clock: Clock,
): Supersession {
  let lookedAt = Number.NEGATIVE_INFINITY;
  let lookAt = clock.now() + TIMING.checkpointInterval * 1000;
  return {
    suspect() {
      lookAt = Math.min(lookAt, lookedAt + SUSPICION_MS);
    },
    async isSuperseded() {
      if (clock.now() < lookAt) return false;
      lookedAt = clock.now();
      lookAt = lookedAt + TIMING.checkpointInterval * 1000;
      return objects.exists(manifest);
    },
  };
}
