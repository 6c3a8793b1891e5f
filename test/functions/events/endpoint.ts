import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request that an endpoint was sent. */
interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** How an endpoint answers; undefined: with 204. */
export type Answering = (response: ServerResponse, request: Received) => unknown;

/** Somebody's endpoint on this machine. */
export async function startEndpoint() {
  const received: Received[] = [];
  let answering: Answering = (response) => response.writeHead(204).end();
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request
      .on("data", (piece: Buffer) => pieces.push(piece))
      .on("end", () => {
        const one = {
          path: request.url ?? "",
          headers: request.headers,
          body: Buffer.concat(pieces).toString(),
        };
        received.push(one);
        answering(response, one);
      });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    received,
    /** Answers from now on so. */
    answer: (how: Answering) => {
      answering = how;
    },
    [Symbol.asyncDispose]: async () => void server.close().closeAllConnections(),
  };
}

export const withStatus =
  (status: number, headers: Record<string, string> = {}, body = ""): Answering =>
  (response) =>
    response.writeHead(status, headers).end(body);
