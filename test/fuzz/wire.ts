import { createConnection, type Socket } from "node:net";
import { type WireAnswer, WireReader } from "./wire-reader.ts";

/** A request as bytes, with what is needed to understand its answer. */
export interface WireRequest {
  method: string;
  bytes: Buffer;
}

/** Nothing takes longer than this: whoever waits longer hangs. */
const HANG_MS = 20_000;

/**
 * Sends requests one after the other without waiting for answers, and reads these. Where the server
 * ends a connection early, the rest goes over another one.
 *
 * @returns an answer for each request; undefined: the connection ended without one
 * @throws {Error} if the server hangs, or answers with what is not HTTP
 */
export async function sendPipelined(
  port: number,
  requests: readonly WireRequest[],
): Promise<(WireAnswer | undefined)[]> {
  const answers: (WireAnswer | undefined)[] = [];
  while (answers.length < requests.length) {
    const left = requests.slice(answers.length);
    const got = await sendOver(port, left);
    // The first of them is alone to blame for having no answer.
    answers.push(...(got.length === 0 ? [undefined] : got));
  }
  return answers;
}

/** Sends over one connection and returns the answers until it ended. */
function sendOver(port: number, requests: readonly WireRequest[]): Promise<WireAnswer[]> {
  return new Promise((resolve, reject) => {
    const reader = new WireReader();
    const answers: WireAnswer[] = [];
    const socket = createConnection({ port, host: "127.0.0.1", noDelay: true });
    const timer = setTimeout(() => fail(hangs(requests[answers.length])), HANG_MS);
    const fail = (error: Error) => {
      finish(socket, timer);
      reject(error);
    };
    const take = (isOver: boolean) => {
      try {
        while (answers.length < requests.length) {
          const answer = reader.next(requests[answers.length]?.method ?? "", isOver);
          if (answer === undefined) break;
          answers.push(answer);
        }
      } catch (error) {
        fail(error as Error);
        return;
      }
      if (answers.length < requests.length && !isOver) return;
      finish(socket, timer);
      resolve(answers);
    };
    socket.on("data", (piece: Buffer) => {
      reader.push(piece);
      take(false);
    });
    socket.on("close", () => take(true));
    // A server that refuses what is still being sent may reset the connection.
    socket.on("error", () => {});
    socket.write(Buffer.concat(requests.map(({ bytes }) => bytes)));
  });
}

function finish(socket: Socket, timer: NodeJS.Timeout): void {
  clearTimeout(timer);
  socket.removeAllListeners("close");
  socket.destroy();
}

/**
 * Sends bytes that need not be HTTP over a connection of their own, says that there are no more,
 * and waits until the server ends it.
 *
 * @returns every answer
 * @throws {Error} if the server hangs, or answers with what is not HTTP
 */
export function sendRaw(port: number, bytes: Buffer): Promise<WireAnswer[]> {
  return new Promise((resolve, reject) => {
    const reader = new WireReader();
    const socket = createConnection({ port, host: "127.0.0.1", noDelay: true });
    const timer = setTimeout(() => {
      finish(socket, timer);
      reject(hangs({ method: "", bytes }));
    }, HANG_MS);
    socket.on("data", (piece: Buffer) => reader.push(piece));
    socket.on("error", () => {});
    socket.on("close", () => {
      finish(socket, timer);
      try {
        resolve(allIn(reader));
      } catch (error) {
        reject(error);
      }
    });
    socket.end(bytes);
  });
}

function allIn(reader: WireReader): WireAnswer[] {
  const answers: WireAnswer[] = [];
  for (;;) {
    const answer = reader.next("GET", true);
    if (answer === undefined) return answers;
    answers.push(answer);
  }
}

function hangs(request: WireRequest | undefined): Error {
  const start = request?.bytes.toString("latin1", 0, 500);
  return new Error(`no answer within ${HANG_MS / 1000} s to ${JSON.stringify(start)}`);
}
