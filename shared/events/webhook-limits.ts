/** Bounds of webhooks and deliveries; times in seconds. */
export const WEBHOOK_LIMITS = {
  /** Webhooks of an owner. */
  webhooks: 50,
  urlLength: 2048,
  /** Static headers of one, */
  headers: 10,
  /** … and characters of a header's value. */
  headerLength: 4096,
  /** Days for which a delivery is kept. */
  deliveryDays: 30,
  /** What is noted of attempts: the last so many. */
  log: 12,
  /** Bytes of an answer that are read, */
  readBytes: 16 * 1024,
  /** … and of those kept. */
  keptBytes: 1024,
  /** How long a connection may take, */
  connectSeconds: 5,
  /** … and an attempt as a whole. */
  wholeSeconds: 15,
  /** How long the secret before counts beside the new one. */
  rotation: 24 * 3600,
  /** An attempt that nobody has made by then is asked for again; also how long a probe may take. */
  again: 60,
  /** A webhook that has failed for so long is disabled. */
  failing: 3 * 24 * 3600,
  /** Attempts at one webhook at a time, of one instance. */
  atOnce: 4,
  /** How long one waits for its turn among these before it is put off. */
  turn: 2,
  /**
   * Attempts at one webhook that one sweep asks for. If all webhooks of an owner are slow, that is
   * what all instances together put off in two minutes.
   */
  aSweep: 500,
} as const;

/**
 * Waits before attempt 1, 2, …, in seconds; then a delivery is given up.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
const WAITS = [0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];

/** The longest that an endpoint's `Retry-After` is honoured. */
const MOST_WAIT = 86_400;

/**
 * When the next attempt is due after so many: seconds from now, a tenth more or less; undefined:
 * never again.
 *
 * @param retryAfter what the endpoint asked for, in seconds
 * @param chance from 0 to 1
 */
export function waitAfter(
  attempts: number,
  { retryAfter = 0, chance }: { retryAfter?: number | undefined; chance: number },
): number | undefined {
  const wait = WAITS[attempts];
  if (wait === undefined) return undefined;
  return Math.max(wait * (0.9 + 0.2 * chance), Math.min(retryAfter, MOST_WAIT));
}

/** The same of a webhook that has failed so often in a row, which is never given up so. */
export const probeWait = (failures: number, with_: Parameters<typeof waitAfter>[1]): number =>
  waitAfter(Math.min(failures, WAITS.length - 1), with_) ?? MOST_WAIT;
