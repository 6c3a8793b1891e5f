import { randomUUID } from "node:crypto";
import {
  DiagLogLevel,
  diag,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from "@opentelemetry/resources";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { AppError } from "../../../shared/errors.ts";
import { type TraceContext, traceContext, traceParts } from "../../../shared/run/trace.ts";
import { truncateUtf8 } from "../../../shared/text.ts";
import { beforeEnd } from "../../closing.ts";
import type { Log } from "../../log.ts";
import { type SpanOf, type Telemetry, UNTOLD } from "../../services/telemetry.ts";
import type { TelemetrySettings } from "../../telemetry-settings.ts";
import { type PastSpan, spansOf } from "./attempt-spans.ts";
import { googleHeaders } from "./google-headers.ts";
import { measuresOn } from "./measures.ts";

/** How long whoever is about to stand still waits for what is to be sent. */
const FLUSH_MS = 2000;
/** Between two exports of what was counted. */
const METRICS_MS = 60_000;
/** Of a fault's text. */
const FAULT_BYTES = 1000;

/**
 * Sends spans and metrics by OTLP, in protobuf over HTTP, to where the standard variables say.
 * Nothing is registered globally: Google's clients make no spans, which would say what is in
 * documents.
 */
export function startOpenTelemetry(settings: TelemetrySettings, log: Log): Telemetry {
  const tell = (text: string) => log("WARNING", `telemetry: ${truncateUtf8(text, FAULT_BYTES)}`);
  const quiet = () => undefined;
  const logger = { error: tell, warn: tell, info: quiet, debug: quiet, verbose: quiet };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const resource = defaultResource()
    .merge(
      resourceFromAttributes({
        "service.name": settings.serviceName,
        "service.instance.id": randomUUID(),
      }),
    )
    .merge(detectResources({ detectors: [envDetector] }));
  const google = { headers: googleHeaders(tell) };
  const spans = new BasicTracerProvider({
    resource,
    spanProcessors: settings.traces
      ? [new BatchSpanProcessor(new OTLPTraceExporter(settings.traces === "google" ? google : {}))]
      : [],
  });
  const meters = new MeterProvider({
    resource,
    readers: settings.metrics
      ? [readerOf(new OTLPMetricExporter(settings.metrics === "google" ? google : {}))]
      : [],
  });
  const measures = measuresOn(meters.getMeter("runyard"));
  const tracer = spans.getTracer("runyard");
  const send = async (...told: { forceFlush(): Promise<void> }[]): Promise<void> => {
    const sent = await Promise.allSettled(told.map((one) => one.forceFlush()));
    for (const one of sent) if (one.status === "rejected") tell(String(one.reason));
  };
  beforeEnd(() => send(spans, meters));
  let sentAt = Date.now();
  const sendDue = (): Promise<void> => {
    const isTime = Date.now() - sentAt >= METRICS_MS;
    if (isTime) sentAt = Date.now();
    return isTime ? send(spans, meters) : send(spans);
  };
  return {
    within: (span, work) => within(tracer, span, work),
    accepted: measures.accepted,
    waiting: settings.metrics ? measures.waiting : UNTOLD.waiting,
    committed(change) {
      measures.committed(change);
      for (const [parent, span] of spansOf(change)) tellPast(tracer, span, parent);
    },
    flush: () => withinTime(sendDue()),
  };
}

const readerOf = (exporter: OTLPMetricExporter): PeriodicExportingMetricReader =>
  new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: METRICS_MS });

const withinTime = (work: Promise<void>): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, FLUSH_MS);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
};

const KINDS = {
  server: SpanKind.SERVER,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

async function within<T>(
  tracer: Tracer,
  { name, kind, parent, from, facts, factsOf }: SpanOf<T>,
  work: (context: TraceContext | null) => Promise<T>,
): Promise<T> {
  const options = {
    kind: kind === undefined ? SpanKind.INTERNAL : KINDS[kind],
    attributes: facts,
    ...(from && { startTime: from }),
  };
  const span = tracer.startSpan(name, options, under(parent));
  try {
    const result = await work(contextOf(span));
    if (factsOf) span.setAttributes(factsOf(result));
    return result;
  } catch (error) {
    // Its text may quote what somebody sent.
    span.setAttribute("error.type", error instanceof AppError ? error.code : "internal");
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
}

function tellPast(
  tracer: Tracer,
  { name, from, to, facts, parts }: PastSpan,
  parent: TraceContext,
) {
  const options = { startTime: from, attributes: facts };
  const span = tracer.startSpan(name, options, under(parent));
  for (const part of parts) tellPast(tracer, part, contextOf(span));
  span.end(to);
}

function under(parent: TraceContext | null) {
  if (parent === null) return ROOT_CONTEXT;
  const { traceId, spanId, sampled } = traceParts(parent);
  const traceFlags = sampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}

function contextOf(span: Span): TraceContext {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return traceContext({ traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0 });
}
