import type { Request } from "express";
import { after } from "../../../shared/clock.ts";
import { EVENT_ID, type Event } from "../../../shared/documents/event.ts";
import type { Run } from "../../../shared/documents/run.ts";
import { AppError } from "../../../shared/errors.ts";
import { TIMING } from "../../../shared/limits.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import { eventDaysOf } from "../../../shared/run/retention.ts";
import { counted } from "../../../shared/text.ts";
import { describeError } from "../../log.ts";
import type { Services } from "../../services/services.ts";
import type { CallOf } from "../http/call.ts";
import { sendEventStream, setEventStream } from "../http/event-stream.ts";
import type { OpenStream } from "../http/open-stream.ts";
import { messageText } from "../http/server-sent-events.ts";
import { eventBatches } from "./event-pages.ts";
import { ownRecord } from "./own-run.ts";
import { queuePlaceOf } from "./queue-place.ts";

/**
 * `GET /v1/runs/{id}/events`: a run's events as server-sent events, from the first or after
 * `Last-Event-ID`, as they come, and `done` after the last; `queue` while it waits for a build
 * slot. A stream that ends without it (the process ends, or Cloud Run's time for a request is over)
 * goes on when the client connects again.
 */
export async function followRunEvents(
  services: Services,
  call: CallOf<"followRunEvents">,
): Promise<void> {
  const { request, response } = call;
  const record = await ownRecord(services, call);
  refuseExpired(record, services.now());
  const lastEventId = lastEventIdOf(request, record);
  setEventStream(response);
  if (request.method === "HEAD") {
    response.end();
    return;
  }
  const { id, status, done } = record.run;
  const followed = { id, status, wasDone: done };
  await sendEventStream(services, response, {
    standing: async () => {
      await noteFollower(services, followed);
      return queueText(services, followed);
    },
    send: async (open) => {
      if (hasAll(record, lastEventId)) await open.write(doneText(record.run));
      else await sendEvents(services, open, { followed, lastEventId });
    },
  });
}

/** A run whose events are sent, in the status that was sent last. */
interface Followed {
  id: string;
  status: string;
  wasDone: boolean;
}

async function sendEvents(
  services: Services,
  { signal, write }: OpenStream,
  { followed, lastEventId }: { followed: Followed; lastEventId: string | undefined },
): Promise<void> {
  const { runs, watch } = services;
  const { id: runId, wasDone } = followed;
  for await (const batch of eventBatches(watch, { runId, after: lastEventId, signal })) {
    await write(batch.map(eventText).join(""));
    followed.status = statusAfter(batch) ?? followed.status;
    await noteFollower(services, followed);
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

/** A build reports more often while somebody follows its run. */
async function noteFollower(services: Services, { id, status }: Followed): Promise<void> {
  if (status !== "running") return;
  try {
    await services.runs.noteFollower(id, after(services.now(), TIMING.followed));
  } catch (error) {
    services.log("WARNING", `follower not noted: ${describeError(error)}`, { runId: id });
  }
}

function statusAfter(batch: Event[]): string | undefined {
  const last = batch.findLast(({ event }) => event.type === "status")?.event;
  return last?.type === "status" ? last.status : undefined;
}

/**
 * Whether the event is the one that ended the run: no other says a final status, and none follows
 * it.
 */
function isLast({ event }: Event, { done, status }: Run): boolean {
  return done && event.type === "status" && event.status === status;
}

/** Whether somebody who has seen this event has seen all that there will be. */
function hasAll({ run, state }: RunRecord, lastEventId: string | undefined): boolean {
  return run.done && lastEventId !== undefined && numberOf(lastEventId) >= state.events;
}

/** The place in its line of a run that waits for a slot; else nothing. */
async function queueText(services: Services, followed: Followed): Promise<string> {
  try {
    const place = await queuePlaceOf(services, followed);
    return place === undefined ? "" : messageText({ event: "queue", data: place });
  } catch (error) {
    services.log("WARNING", `place in line: ${describeError(error)}`, { runId: followed.id });
    return "";
  }
}

function eventText(event: Event): string {
  return messageText({ id: event.id, event: event.event.type, data: event });
}

function doneText({ id, status }: Run): string {
  return messageText({ event: "done", data: { id, status } });
}

function refuseExpired({ run: { id, finishedAt }, state }: RunRecord, now: Date): void {
  const days = eventDaysOf(state);
  if (finishedAt === null || now < after(finishedAt, days * 24 * 3600)) return;
  const detail = `the events of run ${id} were kept for ${counted(days, "day")} after its end; its outcome is at /v1/runs/${id}`;
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
