/** Google's own receiver wants the account's token, which nobody else gets. */
type Receiver = "google" | "other";

/**
 * What is sent by OTLP, and to whom; undefined: that is not sent. The rest of OpenTelemetry's own
 * variables is read by its packages.
 */
export interface TelemetrySettings {
  traces: Receiver | undefined;
  metrics: Receiver | undefined;
  /** What the process calls itself, unless `OTEL_SERVICE_NAME` says otherwise. */
  serviceName: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Its packages would be loaded for it; one is enough for everybody. */
const PROTOCOL = "http/protobuf";
const GOOGLE = "telemetry.googleapis.com";

/**
 * Reads OpenTelemetry's standard variables.
 *
 * @returns undefined: no receiver is named, or none is wanted
 * @throws {Error} that names the variable that does not say what it should
 * @see https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 */
export function telemetryOf(environment: Environment): TelemetrySettings | undefined {
  if (environment["OTEL_SDK_DISABLED"]?.toLowerCase() === "true") return undefined;
  const traces = receiverOf(environment, "TRACES");
  const metrics = receiverOf(environment, "METRICS");
  if (traces === undefined && metrics === undefined) return undefined;
  const protocol = environment["OTEL_EXPORTER_OTLP_PROTOCOL"] || PROTOCOL;
  if (protocol !== PROTOCOL) {
    throw new Error(`OTEL_EXPORTER_OTLP_PROTOCOL is ${protocol}, and must be ${PROTOCOL}`);
  }
  return {
    traces,
    metrics,
    serviceName: `runyard-${environment["FUNCTION_TARGET"] ?? "unknown"}`,
  };
}

function receiverOf(environment: Environment, signal: "TRACES" | "METRICS"): Receiver | undefined {
  if (environment[`OTEL_${signal}_EXPORTER`] === "none") return undefined;
  const own = `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`;
  const name = environment[own] ? own : "OTEL_EXPORTER_OTLP_ENDPOINT";
  const text = environment[name] || undefined;
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "https:" && url.hostname === GOOGLE) return "google";
  if (url && /^https?:$/.test(url.protocol)) return "other";
  throw new Error(`${name} is ${text}, and must be an address as http://127.0.0.1:4318`);
}
