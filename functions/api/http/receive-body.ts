import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import type { Request, Response } from "express";
import type { Clock } from "../../../shared/clock.ts";
import { AppError } from "../../../shared/errors.ts";
import type { BodyRoom } from "./body-room.ts";

/** Requests whose sender waits to be told to go on. */
const expecting = new WeakSet<IncomingMessage>();

/** Notes that a sender waits for `100 Continue`, which {@link letSend} says. */
export function expectContinue(request: IncomingMessage): void {
  expecting.add(request);
}

/** Tells a sender who waits for it to send the body. */
export function letSend(request: IncomingMessage, response: ServerResponse): void {
  if (expecting.delete(request)) response.writeContinue();
}

/** How long a body may take to come, however slowly. */
const BODY_SECONDS = 30;

/** Where a body has come from, and the room that it takes. */
interface Receiving {
  response: Response;
  /** Whose share of the room it takes. */
  sender: string;
  room: BodyRoom;
  timers: Pick<Clock, "after">;
}

/**
 * Reads the body of a request into `rawBody`. To be called when everything that the headers tell
 * was judged: until then a body stays with its sender.
 *
 * @returns false: the sender went away, and waits for no answer
 * @throws {AppError} unavailable if there is no room; invalid_request if the body does not come in
 * time
 */
export async function receiveBody(
  request: Request & { rawBody?: Buffer },
  { response, sender, room, timers }: Receiving,
): Promise<boolean> {
  const bytes = Number(request.headers["content-length"] ?? 0);
  const release = room.take(sender, bytes);
  if (release === undefined) {
    throw new AppError("unavailable", { detail: "too many bodies are being received" });
  }
  response.once("close", release);
  letSend(request, response);
  const { promise: late, reject } = Promise.withResolvers<never>();
  const cancel = timers.after(BODY_SECONDS * 1000, () => {
    const detail = `the body did not come within ${BODY_SECONDS} s`;
    reject(new AppError("invalid_request", { detail }));
  });
  try {
    const received = buffer(request);
    received.catch(() => {});
    request.rawBody = await Promise.race([received, late]);
    return true;
  } catch (error) {
    if (!(error instanceof AppError)) return false;
    response.set("Connection", "close");
    throw error;
  } finally {
    cancel();
  }
}
