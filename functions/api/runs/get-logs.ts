import type { Response } from "express";
import { AppError } from "../../../shared/errors.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import { buildsOf } from "../../../shared/run/settle.ts";
import type { Services } from "../../services/services.ts";
import type { Call, CallOf } from "../http/call.ts";
import { type OpenStream, openStream } from "../http/open-stream.ts";
import { followedLogPieces, logPieces } from "./log-pieces.ts";
import { ownRecord } from "./own-run.ts";

/**
 * `GET /v1/runs/{id}/logs`: what the run's builds have logged so far; with `follow` also what they
 * log until it is over. An answer that ends before that breaks off.
 */
export async function getLogs(services: Services, call: CallOf<"getLogs">): Promise<void> {
  const { follow = "false" } = call.query;
  const record = await ownRecord(services, call);
  if (follow === "false" || record.run.done) await sendLogs(services, call, record);
  else await followLogs(services, call, record);
}

async function sendLogs(
  services: Services,
  { request, response }: Call,
  record: RunRecord,
): Promise<void> {
  const pieces = logPieces(services, record);
  const first = await pieces.next();
  if (first.done) throw noLog(record);
  asText(response);
  if (request.method === "HEAD") {
    await pieces.return(undefined);
    response.end();
    return;
  }
  const stream = openStream(response, services.timers);
  await stream.write(first.value);
  await sendPieces(response, stream, pieces);
}

async function followLogs(
  services: Services,
  { request, response }: Call,
  record: RunRecord,
): Promise<void> {
  asText(response);
  if (request.method === "HEAD") {
    response.end();
    return;
  }
  const stream = openStream(response, services.timers, [services.closing]);
  await sendPieces(response, stream, followedLogPieces(services, record, stream.signal));
}

async function sendPieces(
  response: Response,
  { signal, write }: OpenStream,
  pieces: AsyncIterable<Buffer>,
): Promise<void> {
  for await (const piece of pieces) {
    await write(piece);
    if (signal.aborted) break;
  }
  // A text that is not all there shall not look as if it were.
  if (signal.aborted) response.destroy();
  else response.end();
}

function asText(response: Response): void {
  response.set("Content-Type", "text/plain; charset=utf-8");
}

function noLog(record: RunRecord): AppError {
  const { id, done, why } = record.run;
  const build = buildsOf(record).at(-1);
  const never = `run ${id} has no log: it never had a build`;
  const detail =
    build === undefined
      ? done
        ? never
        : `run ${id} has no build yet: ${why}`
      : `build ${build.id} of run ${id} has written no log${done ? "" : " yet"}`;
  return new AppError("not_found", { detail });
}
