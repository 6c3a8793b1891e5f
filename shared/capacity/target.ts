import { CAPACITY, TIMING } from "../limits.ts";

/**
 * `targets/{id}`: one place in Cloud Build where builds run, and how many at a time. Whoever
 * deploys writes what it may do; admission writes what became of the last creates.
 */
export interface Target {
  schemaVersion: 1;
  id: string;
  projectId: string;
  /** Cloud Build region, e.g. `us-central1`. */
  location: string;
  /** `projects/P/locations/L/workerPools/W`; null: the default pool. */
  pool: string | null;
  /** Whole number from 0; a target of a lower one is filled first. */
  rank: number;
  /** Builds that may be live at a time, by machine type. */
  slots: Record<string, number>;
  /** `slots` as they were when the documents of the slots were last made; see `makeSlots`. */
  made: Record<string, number>;
  createsPerMinute: number;
  /** No build is created before this instant. */
  pausedUntil: Date | null;
  /** Creates in a row that were refused for now. */
  refusals: number;
  /** Creates in a row of which nobody knows whether they made a build. */
  unknowns: number;
}

/** `projects/P/locations/L`, what the names of a target's builds begin with. */
export const parentOf = ({ projectId, location }: Pick<Target, "projectId" | "location">): string =>
  `projects/${projectId}/locations/${location}`;

export function newTarget(
  target: Pick<Target, "id" | "projectId" | "location" | "slots" | "createsPerMinute"> &
    Partial<Pick<Target, "pool" | "rank">>,
): Target {
  return {
    schemaVersion: 1,
    pool: null,
    rank: 0,
    made: {},
    pausedUntil: null,
    refusals: 0,
    unknowns: 0,
    ...target,
  };
}

/** What became of a create, as far as its target is concerned. */
export type CreateOutcome = "created" | "refused" | "unknown" | "unreachable";

/**
 * The target after a create. A refusal pauses it; so do three unknown outcomes in a row, and every
 * sign after them that Cloud Build is still down.
 *
 * @param chance from 0 to 1, random: pauses differ, so that not all come back at once
 * @returns the same object: nothing changes
 */
export function afterCreate(
  target: Target,
  outcome: CreateOutcome,
  { now, chance }: { now: Date; chance: number },
): Target {
  switch (outcome) {
    case "created":
      if (target.refusals + target.unknowns === 0) return target;
      return { ...target, refusals: 0, unknowns: 0, pausedUntil: null };
    case "refused": {
      const refusals = target.refusals + 1;
      return { ...target, refusals, pausedUntil: pauseEnd(refusals, { now, chance }) };
    }
    case "unknown":
    case "unreachable": {
      const unknowns = target.unknowns + 1;
      if (unknowns < CAPACITY.unknowns) return { ...target, unknowns };
      const times = unknowns - CAPACITY.unknowns + 1;
      return { ...target, unknowns, pausedUntil: pauseEnd(times, { now, chance }) };
    }
  }
}

/** Whether the target has to be asked for a sign of life before something is created in it. */
export const isInDoubt = ({ unknowns }: Target): boolean => unknowns >= CAPACITY.unknowns;

export const isPaused = ({ pausedUntil }: Target, now: Date): boolean =>
  pausedUntil !== null && now < pausedUntil;

/** The target while one handler asks: the others leave it alone meanwhile. */
export function whileAsked(target: Target, now: Date): Target {
  return { ...target, pausedUntil: new Date(now.getTime() + TIMING.handlerBudget * 1000) };
}

/** 30 s, doubled each time up to 10 min, less up to a half. */
function pauseEnd(times: number, { now, chance }: { now: Date; chance: number }): Date {
  const most = Math.min(CAPACITY.minPause * 2 ** Math.min(times - 1, 10), CAPACITY.maxPause);
  return new Date(now.getTime() + most * (1 - chance / 2) * 1000);
}

/**
 * `buckets/{target}.{k}`: how fast builds are created in a target. `tat` is when the bucket would
 * be full again (the theoretical arrival time of the generic cell rate algorithm).
 */
export interface Bucket {
  tat: Date;
}

/** How many buckets share a target's creates: each takes at most one write a second. */
export const bucketsOf = ({ createsPerMinute }: Pick<Target, "createsPerMinute">): number =>
  Math.max(1, Math.ceil(createsPerMinute / 60));

/**
 * Takes one token.
 *
 * @returns the bucket without it, or the seconds until it has one
 */
export function takeToken(
  bucket: Bucket | undefined,
  target: Pick<Target, "createsPerMinute">,
  now: Date,
): { bucket: Bucket } | { waitSeconds: number } {
  const periodMs = (60_000 * bucketsOf(target)) / target.createsPerMinute;
  const from = Math.max(bucket?.tat.getTime() ?? 0, now.getTime());
  const aheadMs = from - now.getTime();
  const burstMs = CAPACITY.burst * 1000;
  if (aheadMs + periodMs <= Math.max(burstMs, periodMs)) {
    return { bucket: { tat: new Date(from + periodMs) } };
  }
  return { waitSeconds: (aheadMs + periodMs - Math.max(burstMs, periodMs)) / 1000 };
}
