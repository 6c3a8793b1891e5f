/** Writes one structured line. */
export type Log = (severity: Severity, message: string, fields?: Record<string, unknown>) => void;

/** Severities of Cloud Logging that we use. */
type Severity = "INFO" | "WARNING" | "ERROR";

/**
 * Writes one structured line, as Cloud Logging reads it from standard output. Users' texts and secrets
 * never go in: ids, codes and our own sentences only.
 *
 * @see https://cloud.google.com/logging/docs/structured-logging
 */
export const log: Log = (severity, message, fields = {}) => {
  process.stdout.write(`${JSON.stringify({ severity, message, ...fields })}\n`);
};

/** An error with its causes, for a log line. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `; caused by ${describeError(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
