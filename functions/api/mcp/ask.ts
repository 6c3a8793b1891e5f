import { createServer, type IncomingHttpHeaders, type RequestListener, request } from "node:http";
import { duplexPair } from "node:stream";
import { buffer } from "node:stream/consumers";

/** One request to the API. */
export interface Question {
  method: "GET" | "POST";
  /** With its query. */
  path: string;
  /** Sent as JSON. */
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
  /** Hangs up. */
  signal?: AbortSignal;
}

/** What the API answered, whatever the status. */
export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** @throws {Error} of name AbortError when the signal aborts */
export type Ask = (question: Question) => Promise<Reply>;

/**
 * Asks the API from within its own process, in HTTP like anybody else, so that whoever is let
 * through is let through by the same checks. Nothing listens: each connection is a pair of streams.
 *
 * @param headers sent with each request: who asks
 */
export function askerOf(api: RequestListener, headers: Readonly<Record<string, string>>): Ask {
  const server = createServer(api);
  return async ({ method, path, body, headers: own, signal }) => {
    const [ours, theirs] = duplexPair();
    server.emit("connection", theirs);
    const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const sent = request({
      ...{ method, path, signal, createConnection: () => ours },
      headers: {
        ...{ ...headers, ...own, connection: "close" },
        ...(content && { "content-type": "application/json", "content-length": content.length }),
      },
    });
    try {
      const { promise: answered, resolve, reject } = Promise.withResolvers<Reply>();
      sent.on("error", reject);
      sent.on("response", (response) => {
        const { statusCode: status = 0, headers: received } = response;
        buffer(response).then((read) => resolve({ status, headers: received, body: read }), reject);
      });
      sent.end(content);
      return await answered;
    } finally {
      ours.destroy();
      theirs.destroy();
    }
  };
}
