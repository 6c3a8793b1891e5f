import type { Request, Response } from "express";
import { EVENT_ID, type Event } from "../../../shared/documents/event.ts";
import type { Run } from "../../../shared/documents/run.ts";
import { AppError } from "../../../shared/errors.ts";
import { RUN_LIMITS, STREAMS } from "../../../shared/limits.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import { after } from "../../../shared/run/transition.ts";
import type { Services } from "../../services/services.ts";
import type { CallOf } from "../http/call.ts";
import { type OpenStream, openStream } from "../http/open-stream.ts";
import { HEARTBEAT, messageText, retryText } from "../http/server-sent-events.ts";
import { eventBatches } from "./event-pages.ts";
import { ownRecord } from "./own-run.ts";

/**
 * `GET /v1/runs/{id}/events`: a run's events as server-sent events, from the first or after
 * `Last-Event-ID`, as they come, and `done` after the last. A stream that ends without it (the process
 * ends, or Cloud Run's time for a request is over) goes on when the client connects again.
 */
export async function followRunEvents(
  services: Services,
  call: CallOf<"followRunEvents">,
): Promise<void> {
  const { request, response } = call;
  const record = await ownRecord(services, call);
  refuseExpired(record.run, services.now());
  const lastEventId = lastEventIdOf(request, record);
  response.setHeader("Content-Type", "text/event-stream");
  // Proxies like nginx would otherwise collect events before they pass them on.
  response.setHeader("X-Accel-Buffering", "no");
  if (request.method !== "HEAD") await stream(services, { response, record, lastEventId });
  response.end();
}

async function stream(
  services: Services,
  {
    response,
    record,
    lastEventId,
  }: { response: Response; record: RunRecord; lastEventId: string | undefined },
): Promise<void> {
  using ending = new DisposableStack();
  const isOver = new AbortController();
  ending.defer(services.timers.after(STREAMS.eventStreamSeconds * 1000, () => isOver.abort()));
  const open = openStream(response, services.timers, [services.closing, isOver.signal]);
  ending.defer(beating(open, services.timers));
  await open.write(retryText(STREAMS.reconnectSeconds));
  if (hasAll(record, lastEventId)) {
    await open.write(doneText(record.run));
    return;
  }
  await sendEvents(services, open, { record, lastEventId });
}

async function sendEvents(
  { runs, watch }: Services,
  { signal, write }: OpenStream,
  { record, lastEventId }: { record: RunRecord; lastEventId: string | undefined },
): Promise<void> {
  const { id: runId, done: wasDone } = record.run;
  for await (const batch of eventBatches(watch, { runId, after: lastEventId, signal })) {
    await write(batch.map(eventText).join(""));
    const last = batch.at(-1);
    if (last !== undefined && last.event.type !== "status") continue;
    const run = await runs.getRun(runId);
    // It has been deleted meanwhile: who connects again is told so.
    if (run === undefined || (last === undefined && wasDone)) return;
    if (last !== undefined && isLast(last, run)) {
      await write(doneText(run));
      return;
    }
  }
}

/** Whether the event is the one that ended the run: no other says a final status, and none follows it. */
function isLast({ event }: Event, { done, status }: Run): boolean {
  return done && event.type === "status" && event.status === status;
}

/** Whether somebody who has seen this event has seen all that there will be. */
function hasAll({ run, state }: RunRecord, lastEventId: string | undefined): boolean {
  return run.done && lastEventId !== undefined && numberOf(lastEventId) >= state.events;
}

/** Keeps the connection alive while nothing happens; ends when the returned function is called. */
function beating({ isIdle, signal, write }: OpenStream, timers: Services["timers"]): () => void {
  return timers.every(STREAMS.heartbeatSeconds * 1000, () => {
    if (isIdle() && !signal.aborted) void write(HEARTBEAT);
  });
}

function eventText(event: Event): string {
  return messageText({ id: event.id, event: event.event.type, data: event });
}

function doneText({ id, status }: Run): string {
  return messageText({ event: "done", data: { id, status } });
}

function refuseExpired({ id, finishedAt }: Run, now: Date): void {
  const keptFor = RUN_LIMITS.eventDays * 24 * 3600;
  if (finishedAt === null || now < after(finishedAt, keptFor)) return;
  const detail = `the events of run ${id} were kept for ${RUN_LIMITS.eventDays} days after its end; its outcome is at /v1/runs/${id}`;
  throw new AppError("events_expired", { detail });
}

/** @throws {AppError} invalid if it is none that this run can have sent */
function lastEventIdOf(request: Request, { run, state }: RunRecord): string | undefined {
  const id = request.headers["last-event-id"];
  if (id === undefined) return undefined;
  if (typeof id !== "string" || !new RegExp(EVENT_ID).test(id)) {
    const detail =
      "Last-Event-ID must be the id of an event, like 1-000001; leave it out to start from the first event";
    throw new AppError("invalid", { detail });
  }
  if (Number(id[0]) <= state.attempt && numberOf(id) <= state.events) return id;
  const detail = `Last-Event-ID ${id} is no event of run ${run.id}; leave it out to start from the first event`;
  throw new AppError("invalid", { detail });
}

/** Counts over all attempts. */
function numberOf(eventId: string): number {
  return Number(eventId.slice(eventId.indexOf("-") + 1));
}
