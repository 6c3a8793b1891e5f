import { createConnection, type Socket } from "node:net";
import { RUN_BODY, RUN_HEADERS } from "./request.ts";
import { serveHelper } from "./serve-helper.ts";

// Sends `POST /v1/runs` over connections that stay open, on each the next request after the answer
// to the last. It speaks just enough HTTP/1.1 for that, so that it costs little beside what it
// measures.

/** What to send, and when to stop: whichever comes first. */
export interface LoadRequest {
  place: { path: string } | { port: number; host: string };
  connections: number;
  seconds: number;
  count: number;
}

/** What came of it. */
export interface Load {
  answers: number;
  /** Answers other than 202. */
  failures: number;
  seconds: number;
  /** Milliseconds of each answer. */
  latencies: number[];
}

const HEADERS = Object.entries({ host: "127.0.0.1", ...RUN_HEADERS });
const REQUEST = Buffer.from(
  `POST /v1/runs HTTP/1.1\r\n${HEADERS.map(([k, v]) => `${k}: ${v}\r\n`).join("")}\r\n${RUN_BODY}`,
);

async function load({ place, connections, seconds, count }: LoadRequest): Promise<Load> {
  const result: Load = { answers: 0, failures: 0, seconds: 0, latencies: [] };
  const startedAt = performance.now();
  const stopAt = startedAt + seconds * 1000;
  let sent = 0;
  const mayGoOn = () => sent < count && performance.now() < stopAt;
  const connection = async () => {
    const socket = createConnection(place).setNoDelay();
    const answers = answersOf(socket);
    while (mayGoOn()) {
      sent += 1;
      const sentAt = performance.now();
      socket.write(REQUEST);
      const { value, done } = await answers.next();
      if (done) throw new Error("the connection was closed");
      result.latencies.push(performance.now() - sentAt);
      result.answers += 1;
      if (value !== 202) result.failures += 1;
    }
    socket.destroy();
  };
  await Promise.all(Array.from({ length: connections }, connection));
  result.seconds = (performance.now() - startedAt) / 1000;
  return result;
}

/** The status of each answer on a connection; every answer has a Content-Length. */
async function* answersOf(socket: Socket): AsyncGenerator<number> {
  let bytes = "";
  for await (const chunk of socket.setEncoding("latin1")) {
    bytes += chunk;
    const head = bytes.indexOf("\r\n\r\n");
    if (head < 0) continue;
    const length = /\r\ncontent-length: *(\d+)/i.exec(bytes.slice(0, head))?.[1];
    if (length === undefined) throw new Error(`an answer without length: ${bytes.slice(0, 200)}`);
    if (bytes.length < head + 4 + Number(length)) continue;
    yield Number(bytes.slice(9, 12));
    bytes = "";
  }
}

serveHelper(load);
