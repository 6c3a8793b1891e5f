import type { RunRecord } from "../shared/run/record.ts";
import { traceParts } from "../shared/run/trace.ts";

/** Writes one structured line. A field `trace` is a `TraceContext`, or null. */
export type Log = (severity: Severity, message: string, fields?: Record<string, unknown>) => void;

/** Severities of Cloud Logging that we use. */
type Severity = "INFO" | "WARNING" | "ERROR";

/**
 * Writes one structured line, as Cloud Logging reads it from standard output. Users' texts and
 * secrets never go in: ids, codes and our own sentences only.
 *
 * @see https://cloud.google.com/logging/docs/structured-logging
 */
export const log: Log = (severity, message, fields = {}) => {
  process.stdout.write(`${withoutSecrets(JSON.stringify({ severity, message, ...fields }))}\n`);
};

/** API keys and the secrets of webhooks and triggers, each recognizable by how it begins. */
const SECRETS = /\b(ry_|whsec_)[A-Za-z0-9+/_-]{16,}=*/g;

/** A line of which nothing opens a door, should an error have taken in what it should not. */
export const withoutSecrets = (line: string): string => line.replace(SECRETS, "$1…");

/** {@link log} with traces by the names under which Cloud Logging finds them. */
export function logOf(projectId: string, write: Log = log): Log {
  return (severity, message, { trace, ...fields } = {}) => {
    if (typeof trace !== "string") return write(severity, message, fields);
    const { traceId, spanId, sampled } = traceParts(trace);
    write(severity, message, {
      ...fields,
      "logging.googleapis.com/trace": `projects/${projectId}/traces/${traceId}`,
      "logging.googleapis.com/spanId": spanId,
      "logging.googleapis.com/trace_sampled": sampled,
    });
  };
}

/** What a line about a run says beside its sentence. */
export const aboutRun = ({ run, state: { attempt, trace } }: RunRecord) => ({
  runId: run.id,
  attempt,
  trace,
});

/** An error with its causes, for a log line. That of a text that is no JSON would quote the text. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof SyntaxError) return error.name;
  const cause = error.cause === undefined ? "" : `; caused by ${describeError(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
