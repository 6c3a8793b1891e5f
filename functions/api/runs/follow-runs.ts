import type { Request } from "express";
import { after } from "../../../shared/clock.ts";
import type { Run } from "../../../shared/documents/run.ts";
import { answerOf } from "../../../shared/documents/run-answer.ts";
import { AppError } from "../../../shared/errors.ts";
import { sha256 } from "../../../shared/hash.ts";
import { STREAMS } from "../../../shared/limits.ts";
import type { ListChange, RunFilter } from "../../services/runs.ts";
import type { Services } from "../../services/services.ts";
import type { Call } from "../http/call.ts";
import { sendEventStream, setEventStream } from "../http/event-stream.ts";
import type { OpenStream } from "../http/open-stream.ts";
import { messageText } from "../http/server-sent-events.ts";

/**
 * A change may be committed so much later than it says, in seconds: what is newer is told again.
 */
const OVERLAP_SECONDS = 60;

/** Which runs are followed. */
export interface Followed {
  filter: RunFilter;
  hasArchived: boolean;
}

/**
 * `GET /v1/runs?follow`: the changes of a list as server-sent events: `run` for one that is new in
 * it or has changed, `gone` for one that has left it. It begins with `ready`; who lists then knows
 * all.
 */
export async function followRuns(
  services: Services,
  call: Call,
  followed: Followed,
): Promise<void> {
  const { request, response } = call;
  const now = await services.runs.databaseTime();
  const from = positionIn(request) ?? now;
  refuseExpired(from, now);
  setEventStream(response);
  if (request.method === "HEAD") {
    response.end();
    return;
  }
  await sendEventStream(services, response, {
    send: async (open) => {
      const ready = { event: "ready", id: idOf(from), data: { at: from } };
      await open.write(messageText(ready));
      await sendChanges(services, open, { followed, from });
    },
  });
}

async function sendChanges(
  { watch }: Services,
  { signal, write }: OpenStream,
  { followed, from }: { followed: Followed; from: Date },
): Promise<void> {
  const { filter } = followed;
  const list = { filter, since: after(from, -OVERLAP_SECONDS) };
  /** Of what was said last, by the run's id. */
  const told = new Map<string, string>();
  let last = from;
  for await (const changes of changesOf(watch, list, signal)) {
    for (const { at, ...change } of changes) {
      if (at > last) last = at;
      const text = messageText({ id: idOf(last), ...messageOf(change, followed) });
      const id = "run" in change ? change.run.id : change.gone;
      // What an agent does is told by its run's own stream.
      const news = text.replace(/^id: .*\n/, "").replace(/"updatedAt":"[^"]*"/, "");
      const said = sha256(news);
      if (told.get(id) === said) continue;
      told.set(id, said);
      await write(text);
    }
  }
}

const idOf = (at: Date): string => String(at.getTime());

function messageOf(
  change: { run: Run } | { gone: string },
  { filter, hasArchived }: Followed,
): { event: string; data: unknown } {
  if ("gone" in change) return { event: "gone", data: { id: change.gone } };
  const { run } = change;
  const fits =
    (filter.status === undefined || run.status === filter.status) &&
    (filter.from === undefined || run.createdAt >= filter.from) &&
    (filter.to === undefined || run.createdAt < filter.to) &&
    (hasArchived || (run.archivedAt ?? null) === null);
  return fits
    ? { event: "run", data: { ...answerOf(run), progress: null } }
    : { event: "gone", data: { id: run.id } };
}

/** What a listener sees, as it comes, until `signal` aborts. */
function changesOf(
  watch: Services["watch"],
  list: { filter: RunFilter; since: Date },
  signal: AbortSignal,
): ReadableStream<ListChange[]> {
  const opened = new DisposableStack();
  return new ReadableStream<ListChange[]>({
    start(controller) {
      const close = () => {
        opened.dispose();
        controller.close();
      };
      signal.addEventListener("abort", close, { once: true });
      opened.defer(() => signal.removeEventListener("abort", close));
      const failed = (error: unknown) => {
        opened.dispose();
        controller.error(error);
      };
      opened.defer(watch.watchList(list, { next: (batch) => controller.enqueue(batch), failed }));
    },
    cancel: () => opened.dispose(),
  });
}

/** @throws {AppError} invalid if it is none */
function positionIn({ headers }: Request): Date | undefined {
  const id = headers["last-event-id"];
  if (id === undefined) return undefined;
  if (typeof id === "string" && /^\d{1,14}$/.test(id)) return new Date(Number(id));
  const detail =
    "Last-Event-ID must be the id of a message of this stream; leave it out to begin with what happens now";
  throw new AppError("invalid", { detail });
}

/**
 * Whoever was away for longer may have missed that a run was erased, and has very much to be told.
 */
function refuseExpired(from: Date, now: Date): void {
  if (from >= after(now, -STREAMS.listDays * 24 * 3600)) return;
  const detail = `what changes in a list is told for ${STREAMS.listDays} days; leave Last-Event-ID out, and list the runs anew`;
  throw new AppError("events_expired", { detail });
}
