import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { PATIENCE, sleep } from "../target.ts";
import { eventually } from "./world.ts";

/** One push that an endpoint received. */
export interface ReceivedPush {
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
  response: ServerResponse;
}

/**
 * An HTTP server that records pushes and answers them with `answer`: a status code, or nothing yet
 * if that is undefined.
 */
export async function startEndpoint(
  answer: (push: ReceivedPush, count: number) => number | undefined,
) {
  const pushes: ReceivedPush[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString();
      const push = { url: request.url ?? "", headers: request.headers, body, response };
      pushes.push(push);
      const status = answer(push, pushes.length);
      if (status !== undefined) response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    pushes,
    url: `http://127.0.0.1:${port}`,
    /** Waits until so many pushes have come in all, and checks that no more have. */
    received: (count: number) => eventually(() => expect(pushes).toHaveLength(count)),
    texts: () => pushes.map(textOf),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function textOf({ body }: ReceivedPush): string {
  return Buffer.from(JSON.parse(body).message.data, "base64").toString();
}

/** Long enough for what is not supposed to happen on loopback to have happened. */
export function settled(): Promise<void> {
  return sleep(60 * PATIENCE);
}
