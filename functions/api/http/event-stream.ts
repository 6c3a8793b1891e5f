import type { Response } from "express";
import { STREAMS } from "../../../shared/limits.ts";
import type { Services } from "../../services/services.ts";
import { type OpenStream, openStream } from "./open-stream.ts";
import { HEARTBEAT, retryText, STOPPING } from "./server-sent-events.ts";

/** The headers of an answer of server-sent events. */
export function setEventStream(response: Response): void {
  response.setHeader("Content-Type", "text/event-stream");
  // Proxies like nginx would otherwise collect events before they pass them on.
  response.setHeader("X-Accel-Buffering", "no");
}

/**
 * Sends server-sent events until `send` has none left, the client hangs up, or the stream's hour is
 * over. While nothing happens it sends a heartbeat every second.
 *
 * @param standing is sent every 15 seconds: how things stand, of which no event tells
 */
export async function sendEventStream(
  services: Pick<Services, "timers" | "closing">,
  response: Response,
  { send, standing }: { send(open: OpenStream): Promise<void>; standing?(): Promise<string> },
): Promise<void> {
  using ending = new DisposableStack();
  const { timers, closing } = services;
  const isOver = new AbortController();
  ending.defer(timers.after(STREAMS.eventStreamSeconds * 1000, () => isOver.abort()));
  const open = openStream(response, timers, [closing, isOver.signal]);
  await open.write(retryText(STREAMS.reconnectSeconds));
  const say = async (text: () => string | Promise<string>): Promise<void> => {
    if (open.isIdle()) await open.write(await text());
  };
  ending.defer(timers.every(STREAMS.heartbeatSeconds * 1000, () => void say(() => HEARTBEAT)));
  if (standing)
    ending.defer(timers.every(STREAMS.standingSeconds * 1000, () => void say(standing)));
  await send(open);
  response.end(closing.aborted ? STOPPING : undefined);
}
