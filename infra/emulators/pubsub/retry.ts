import { toMilliseconds } from "./duration.ts";
import type { RetryPolicy } from "./types.ts";

const DEFAULT_MINIMUM_BACKOFF_MS = 10_000;
const DEFAULT_MAXIMUM_BACKOFF_MS = 600_000;
const PUSH_FAILURES_TOLERATED = 2;
const PUSH_BACKOFF_MINIMUM_MS = 100;
const PUSH_BACKOFF_MAXIMUM_MS = 60_000;

/**
 * How long a message waits after its `failures`-th nack or missed deadline (counted from 1), in
 * milliseconds: doubling from the policy's minimum (10 s) to its maximum (600 s). Without a policy
 * it does not wait.
 */
export function backoffMs(policy: RetryPolicy | undefined, failures: number): number {
  if (policy === undefined) return 0;
  const { minimumBackoff, maximumBackoff } = policy;
  const least = minimumBackoff ? toMilliseconds(minimumBackoff) : DEFAULT_MINIMUM_BACKOFF_MS;
  const most = maximumBackoff ? toMilliseconds(maximumBackoff) : DEFAULT_MAXIMUM_BACKOFF_MS;
  return Math.min(most, least * 2 ** Math.min(failures - 1, 60));
}

/**
 * How long a whole push subscription pauses after so many failed pushes in a row, in milliseconds:
 * nothing at first, then doubling from 100 ms to 60 s. It keeps a dead endpoint from being hammered
 * where no retry policy does.
 *
 * @see https://cloud.google.com/pubsub/docs/push#push_backoff
 */
export function pushPauseMs(failuresInARow: number): number {
  const excess = failuresInARow - PUSH_FAILURES_TOLERATED;
  if (excess <= 0) return 0;
  return Math.min(PUSH_BACKOFF_MAXIMUM_MS, PUSH_BACKOFF_MINIMUM_MS * 2 ** Math.min(excess - 1, 20));
}
