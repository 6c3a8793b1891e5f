import type { Clock } from "../../../shared/clock.ts";
import { messageOf } from "../text.ts";

export interface CheckpointTimerOptions {
  /** Takes one checkpoint, if there is something new. One at a time. */
  take(): Promise<void>;
  /** One is taken at least so often. */
  intervalMs: number;
  clock: Clock;
  log(line: string): void;
}

/** When checkpoints are taken. */
export interface CheckpointTimer {
  /** A turn of the agent is over: one is taken soon. */
  noteTurn(): void;
  /** Takes no more, and waits for the one that is being taken. */
  close(): Promise<void>;
}

/**
 * The share of the time that checkpoints may take, whatever one costs: after each one there is a
 * rest of so many times as long as it took, but no longer than the interval.
 */
const REST = 5;
const LEAST_REST_MS = 1_000;
/** An agent that is done so soon has no use for any. */
const FIRST_MS = 5_000;
/** Failures that are told; the next ones look the same. */
const TOLD_FAILURES = 3;

/**
 * Has a checkpoint taken after each turn and at least at each interval, within a share of the time.
 */
export function startCheckpoints(options: CheckpointTimerOptions): CheckpointTimer {
  const { clock, intervalMs, log, take } = options;
  let lastAt = clock.now();
  let notBefore = lastAt + FIRST_MS;
  let hasTurn = false;
  let failures = 0;
  let taking: Promise<void> | undefined;
  let isClosed = false;
  let takeBack = () => {};

  const run = async (): Promise<void> => {
    const startedAt = clock.now();
    hasTurn = false;
    try {
      await take();
    } catch (error) {
      failures += 1;
      if (failures <= TOLD_FAILURES) log(`no checkpoint: ${messageOf(error)}`);
    }
    lastAt = clock.now();
    const rest = Math.max(LEAST_REST_MS, (lastAt - startedAt) * REST);
    notBefore = lastAt + Math.min(rest, intervalMs);
    taking = undefined;
    plan();
  };
  const plan = (): void => {
    if (isClosed || taking !== undefined) return;
    takeBack();
    const dueAt = hasTurn ? notBefore : lastAt + intervalMs;
    takeBack = clock.after(Math.max(0, dueAt - clock.now()), () => {
      taking = run();
    });
  };
  plan();
  return {
    noteTurn() {
      if (hasTurn) return;
      hasTurn = true;
      plan();
    },
    async close() {
      isClosed = true;
      takeBack();
      await taking;
    },
  };
}
