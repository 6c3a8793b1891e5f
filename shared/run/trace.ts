/**
 * A place in a trace, as the header `traceparent` of W3C has it: `00-TRACE-SPAN-FLAGS`, in
 * lowercase hex. Whatever goes on from there is a child of that span.
 *
 * @see https://www.w3.org/TR/trace-context/#traceparent-header
 */
export type TraceContext = string;

/**
 * The variable that a build has its context by.
 *
 * @see https://opentelemetry.io/docs/specs/otel/context/env-carriers/
 */
export const TRACE_VARIABLE = "TRACEPARENT";

/** A later version may have more after the flags, which is not for us. */
const TRACEPARENT =
  /^(?<version>(?!ff)[0-9a-f]{2})-(?<trace>(?!0{32})[0-9a-f]{32})-(?<span>(?!0{16})[0-9a-f]{16})-(?<flags>[0-9a-f]{2})(?<more>-.{0,400})?$/;

/** Reads a header or an attribute; what is no context, by whomever it was sent, is none. */
export function traceContextOf(text: unknown): TraceContext | null {
  const groups = typeof text === "string" ? TRACEPARENT.exec(text)?.groups : undefined;
  if (groups === undefined || (groups["version"] === "00" && groups["more"] !== undefined)) {
    return null;
  }
  // Of the flags only that a trace is recorded has a meaning here.
  const sampled = Number.parseInt(groups["flags"] ?? "", 16) & 1;
  return `00-${groups["trace"]}-${groups["span"]}-0${sampled}`;
}

/** What a context consists of. */
export interface TraceParts {
  /** 32 digits. */
  traceId: string;
  /** 16 digits. */
  spanId: string;
  /** Whether whoever began the trace wants it recorded. */
  sampled: boolean;
}

export function traceParts(context: TraceContext): TraceParts {
  const [, traceId = "", spanId = "", flags] = context.split("-");
  return { traceId, spanId, sampled: flags === "01" };
}

/** The context of these parts. */
export const traceContext = ({ traceId, spanId, sampled }: TraceParts): TraceContext =>
  `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;

/**
 * Where work on a run goes on: where the message says that it was sent from, if that is in the
 * run's trace. A run has one trace, whatever messages say.
 */
export function continuing(
  run: TraceContext | null,
  told: TraceContext | null,
): TraceContext | null {
  if (run === null || told === null) return run;
  return traceParts(told).traceId === traceParts(run).traceId ? told : run;
}
