import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { foreignReason } from "../wire/loopback.ts";
import { pointsIn, type ReceivedPoint, type ReceivedSpan, spansIn } from "./messages.ts";

/** Who is told what was received. */
export interface OtlpOptions {
  onSpans?(spans: ReceivedSpan[]): void;
  onPoints?(points: ReceivedPoint[]): void;
  /** Receives each request's body as it came. */
  onBody?(body: Buffer): void;
}

/** A receiver of OTLP on this machine. */
export interface RunningOtlp extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, for `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  url: string;
}

/** Longer ones are refused. */
const MOST_BYTES = 4 * 1024 * 1024;

/**
 * Starts a receiver of traces and metrics by OTLP, in protobuf over HTTP, on loopback. It keeps
 * nothing. Of a receiver's answers there are only that all was taken and that nothing was;
 * compression is refused.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
export async function startOtlp(options: OtlpOptions): Promise<RunningOtlp> {
  const server = createServer((request, response) => {
    void answer(request, response, options).catch(() => refuse(response, 400));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close().closeAllConnections();
      await once(server, "close");
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { onSpans, onPoints, onBody }: OtlpOptions,
): Promise<void> {
  const { method, url, headers } = request;
  if (foreignReason(request) !== undefined) return refuse(response, 403);
  const isProtobuf = headers["content-type"] === "application/x-protobuf";
  if (!isProtobuf || headers["content-encoding"] !== undefined) return refuse(response, 415);
  const isTraces = url === "/v1/traces";
  if (method !== "POST" || !(isTraces || url === "/v1/metrics")) return refuse(response, 404);
  const body = await bodyOf(request);
  if (body === undefined) return refuse(response, 413);
  onBody?.(body);
  if (isTraces) {
    const spans = spansIn(body);
    onSpans?.(spans);
  } else {
    const points = pointsIn(body);
    onPoints?.(points);
  }
  response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
}

/** Undefined: it is too long. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function refuse(response: ServerResponse, status: number): void {
  if (!response.headersSent) response.writeHead(status, { connection: "close" });
  response.end();
}
