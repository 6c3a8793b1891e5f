import type { IncomingHttpHeaders } from "node:http";
import { GoogleError } from "../wire/status.ts";
import { parseJsonObject } from "./resources.ts";

/** A request as operations see it, all text decoded. */
export interface StorageRequest {
  method: string;
  /** The path as sent, still percent-encoded, without the query. */
  path: string;
  /** What the route's pattern found in the path. */
  parameters: Record<string, string>;
  query: Record<string, string>;
  headers: IncomingHttpHeaders;
  /** The port that was called. */
  localPort: number;
  /** Arrives while it is read; ends with an error if the client breaks off. */
  body: AsyncIterable<Buffer>;
  /** The address that the client used, e.g. `http://127.0.0.1:4443`. */
  baseUrl: string;
  /** Cuts the connection, so that `body` ends with an error. */
  disconnect(): void;
  /** Resolves when the connection is no longer there. */
  whenDisconnected(): Promise<void>;
}

/** What an operation answers; at most one of `json`, `text` and `file` is the body. */
export interface Reply {
  status: number;
  headers?: Record<string, string | number>;
  json?: object;
  text?: string;
  file?: ReplyFile;
}

/** Content to stream: an open descriptor, which whoever writes the reply closes. */
export interface ReplyFile {
  descriptor: number;
  start: number;
  /** The last byte, included; `start - 1` for nothing. */
  end: number;
  gunzip: boolean;
}

/** An operation: one method of the API. Throws {@link GoogleError} or a StorageError. */
export type Operation<S> = (state: S, request: StorageRequest) => Reply | Promise<Reply>;

const MAX_JSON_BYTES = 1024 * 1024;

/**
 * Reads a request's body as a JSON object; an empty body is an empty object.
 *
 * @throws {GoogleError} INVALID_ARGUMENT if it is anything else, or larger than 1 MiB
 */
export async function readJson(request: StorageRequest): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request.body) {
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_JSON_BYTES) {
      throw new GoogleError("INVALID_ARGUMENT", `Request body exceeds ${MAX_JSON_BYTES} bytes.`);
    }
    chunks.push(chunk);
  }
  return parseJsonObject(Buffer.concat(chunks));
}

/**
 * Decodes a query string into its parameters; the last of a repeated one counts, `+` is a space.
 *
 * @throws {GoogleError} INVALID_ARGUMENT if it is not percent-encoded UTF-8
 */
export function parseQuery(text: string): Record<string, string> {
  const query = new Map<string, string>();
  for (const pair of text.split("&")) {
    const [name = "", ...value] = pair.replaceAll("+", " ").split("=");
    if (name !== "") query.set(decodePercent(name), decodePercent(value.join("=")));
  }
  return Object.fromEntries(query);
}

/** @throws {GoogleError} INVALID_ARGUMENT if `text` is not percent-encoded UTF-8 */
export function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw undecodable(text, cause);
  }
}

function undecodable(text: string, cause: unknown): GoogleError {
  return new GoogleError("INVALID_ARGUMENT", `"${text}" is not percent-encoded UTF-8`, { cause });
}
