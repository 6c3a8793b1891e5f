import * as protoLoader from "@grpc/proto-loader";

type Field = { id: number; type: string; rule?: "repeated" };

const one = (id: number, type: string): Field => ({ id, type });
const many = (id: number, type: string): Field => ({ id, type, rule: "repeated" });
const message = (fields: Record<string, Field>, oneofs?: Record<string, { oneof: string[] }>) => ({
  fields,
  ...(oneofs && { oneofs }),
});

const DATA_POINT_TIMES = { startTimeUnixNano: one(2, "fixed64"), timeUnixNano: one(3, "fixed64") };

/**
 * Of OpenTelemetry's messages what is read here; the rest of a request is passed over.
 *
 * @see https://github.com/open-telemetry/opentelemetry-proto
 */
const PROTOS = {
  nested: {
    KeyValue: message({ key: one(1, "string"), value: one(2, "AnyValue") }),
    AnyValue: message(
      {
        stringValue: one(1, "string"),
        boolValue: one(2, "bool"),
        intValue: one(3, "int64"),
        doubleValue: one(4, "double"),
      },
      { value: { oneof: ["stringValue", "boolValue", "intValue", "doubleValue"] } },
    ),
    Resource: message({ attributes: many(1, "KeyValue") }),
    Status: message({ message: one(2, "string"), code: one(3, "int32") }),
    Span: message({
      traceId: one(1, "bytes"),
      spanId: one(2, "bytes"),
      parentSpanId: one(4, "bytes"),
      name: one(5, "string"),
      kind: one(6, "int32"),
      startTimeUnixNano: one(7, "fixed64"),
      endTimeUnixNano: one(8, "fixed64"),
      attributes: many(9, "KeyValue"),
      status: one(15, "Status"),
    }),
    ScopeSpans: message({ spans: many(2, "Span") }),
    ResourceSpans: message({ resource: one(1, "Resource"), scopeSpans: many(2, "ScopeSpans") }),
    Traces: message({ resourceSpans: many(1, "ResourceSpans") }),
    NumberDataPoint: message({
      ...DATA_POINT_TIMES,
      asDouble: one(4, "double"),
      asInt: one(6, "sfixed64"),
      attributes: many(7, "KeyValue"),
    }),
    HistogramDataPoint: message({
      ...DATA_POINT_TIMES,
      count: one(4, "fixed64"),
      sum: one(5, "double"),
      attributes: many(9, "KeyValue"),
    }),
    Gauge: message({ dataPoints: many(1, "NumberDataPoint") }),
    Sum: message({
      dataPoints: many(1, "NumberDataPoint"),
      aggregationTemporality: one(2, "int32"),
      isMonotonic: one(3, "bool"),
    }),
    Histogram: message({
      dataPoints: many(1, "HistogramDataPoint"),
      aggregationTemporality: one(2, "int32"),
    }),
    Metric: message({
      name: one(1, "string"),
      unit: one(3, "string"),
      gauge: one(5, "Gauge"),
      sum: one(7, "Sum"),
      histogram: one(9, "Histogram"),
    }),
    ScopeMetrics: message({ metrics: many(2, "Metric") }),
    ResourceMetrics: message({
      resource: one(1, "Resource"),
      scopeMetrics: many(2, "ScopeMetrics"),
    }),
    Metrics: message({ resourceMetrics: many(1, "ResourceMetrics") }),
    Receiver: {
      methods: {
        Traces: { requestType: "Traces", responseType: "Status", comment: "" },
        Metrics: { requestType: "Metrics", responseType: "Status", comment: "" },
      },
    },
  },
};

const LOADED = protoLoader.fromJSON(PROTOS, { longs: String, bytes: Buffer });
const RECEIVER = LOADED["Receiver"] as unknown as Record<
  "Traces" | "Metrics",
  { requestDeserialize(body: Buffer): object }
>;

/** A value as OTLP has it; one of its fields is set. */
interface AnyValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: string;
  doubleValue?: number;
}

/** Attributes by their keys. */
type Attributes = Readonly<Record<string, string | number | boolean>>;

interface KeyValues {
  attributes?: { key?: string; value?: AnyValue }[];
}

function attributesOf({ attributes = [] }: KeyValues = {}): Attributes {
  return Object.fromEntries(
    attributes.map(({ key = "", value = {} }) => {
      const { stringValue, boolValue, intValue, doubleValue } = value;
      const number = intValue === undefined ? doubleValue : Number(intValue);
      return [key, stringValue ?? boolValue ?? number ?? ""];
    }),
  );
}

/** A span as it was received. */
export interface ReceivedSpan {
  /** Hex, as the ids of spans are. */
  traceId: string;
  spanId: string;
  /** Empty: it has none. */
  parentSpanId: string;
  name: string;
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  kind: number;
  /** Milliseconds since the epoch, to a thousandth. */
  from: number;
  to: number;
  attributes: Attributes;
  isError: boolean;
  /** Attributes of whoever sent it. */
  resource: Attributes;
}

interface WireSpan extends KeyValues {
  traceId?: Buffer;
  spanId?: Buffer;
  parentSpanId?: Buffer;
  name?: string;
  kind?: number;
  startTimeUnixNano?: string;
  endTimeUnixNano?: string;
  status?: { code?: number };
}

interface WireTraces {
  resourceSpans?: { resource?: KeyValues; scopeSpans?: { spans?: WireSpan[] }[] }[];
}

const ERROR = 2;
const hex = (bytes?: Buffer): string => bytes?.toString("hex") ?? "";

/** @throws {Error} if it is no such message */
export function spansIn(body: Buffer): ReceivedSpan[] {
  const { resourceSpans = [] } = RECEIVER.Traces.requestDeserialize(body) as WireTraces;
  return resourceSpans.flatMap(({ resource, scopeSpans = [] }) =>
    scopeSpans
      .flatMap(({ spans = [] }) => spans)
      .map((span) => ({
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentSpanId: hex(span.parentSpanId),
        name: span.name ?? "",
        kind: span.kind ?? 0,
        from: Number(span.startTimeUnixNano ?? 0) / 1e6,
        to: Number(span.endTimeUnixNano ?? 0) / 1e6,
        attributes: attributesOf(span),
        isError: span.status?.code === ERROR,
        resource: attributesOf(resource),
      })),
  );
}

/** A point of a metric as it was received: a gauge, a sum, or the sum and count of a histogram. */
export interface ReceivedPoint {
  metric: string;
  value: number;
  count: number;
  attributes: Attributes;
  isCumulative: boolean;
  resource: Attributes;
}

interface WirePoint extends KeyValues {
  asDouble?: number;
  asInt?: string;
  count?: string;
  sum?: number;
}

interface WirePoints {
  dataPoints?: WirePoint[];
  aggregationTemporality?: number;
}

interface WireMetric {
  name?: string;
  gauge?: WirePoints;
  sum?: WirePoints;
  histogram?: WirePoints;
}

interface WireMetrics {
  resourceMetrics?: { resource?: KeyValues; scopeMetrics?: { metrics?: WireMetric[] }[] }[];
}

const CUMULATIVE = 2;

/** @throws {Error} if it is no such message */
export function pointsIn(body: Buffer): ReceivedPoint[] {
  const { resourceMetrics = [] } = RECEIVER.Metrics.requestDeserialize(body) as WireMetrics;
  return resourceMetrics.flatMap(({ resource, scopeMetrics = [] }) =>
    scopeMetrics
      .flatMap(({ metrics = [] }) => metrics)
      .flatMap(({ name = "", gauge, sum, histogram }) => {
        const { dataPoints = [], aggregationTemporality } = gauge ?? sum ?? histogram ?? {};
        return dataPoints.map((point) => ({
          metric: name,
          value: point.sum ?? point.asDouble ?? Number(point.asInt ?? 0),
          count: Number(point.count ?? 1),
          attributes: attributesOf(point),
          isCumulative: aggregationTemporality === CUMULATIVE,
          resource: attributesOf(resource),
        }));
      }),
  );
}
