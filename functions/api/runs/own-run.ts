import type { Request } from "express";
import {
  ReportProgress,
  type Run,
  type RunAnswer,
  Run as RunSchema,
} from "../../../shared/documents/run.ts";
import { AppError } from "../../../shared/errors.ts";
import { isRunId } from "../../../shared/ids.ts";
import type { RunEvent, RunRecord } from "../../../shared/run/record.ts";
import { next } from "../../../shared/run/run.ts";
import { applyEvent } from "../../attempts/settle-attempt.ts";
import type { Services } from "../../services/services.ts";
import { bearerToken, sha256 } from "../callers/auth.ts";
import { validBody } from "../http/body.ts";
import type { Call } from "../http/call.ts";

/** `GET /v1/runs/{id}` */
export async function getRun(services: Services, call: Call): Promise<void> {
  call.response.json(answerOf(await ownRun(services, call)));
}

/** `GET /v1/runs/{id}/request` */
export async function getRunRequest(services: Services, call: Call): Promise<void> {
  const run = await ownRun(services, call);
  const request = await services.runs.getRequest(run.id);
  if (request === undefined) throw notFound(run.id);
  call.response.json(request);
}

/** `POST /v1/runs/{id}/cancel`. Repeating it is no error; cancelling a run that is over otherwise is. */
export async function cancelRun(services: Services, call: Call): Promise<void> {
  const { id } = await ownRun(services, call);
  const cancelled = await applyEvent(services, id, { type: "cancel" });
  if (cancelled === undefined) throw notFound(id);
  const { run } = cancelled.record;
  if (!cancelled.changed && run.done && run.status !== "cancelled") {
    throw new AppError("conflict", { detail: `run ${id} is over already: it ${run.status}` });
  }
  call.response.status(202).json(answerOf((await services.runs.getRun(id)) ?? run));
}

/**
 * A run as HTTP answers it. A document's fields come back in alphabetical order; people read them in the
 * schema's.
 */
export function answerOf(run: Run): RunAnswer {
  const { output } = run;
  const structured = JSON.parse(output?.structured ?? "null") as unknown;
  const answer = { ...run, output: output && { ...output, structured } };
  const names = Object.keys(RunSchema.properties) as (keyof Run)[];
  return Object.fromEntries(names.map((name) => [name, answer[name]])) as unknown as RunAnswer;
}

/**
 * `POST /v1/runs/{id}/progress`: a run's own build says what its agent does. Authorized by the
 * attempt's token, which only its input archive holds.
 */
export async function reportProgress(
  services: Services,
  { request, response }: Call,
): Promise<void> {
  const id = runIdOf(request);
  const tokenHash = sha256(bearerToken(request));
  const { attempt, buildId, text, turn, events = [] } = validBody(request, ReportProgress);
  const build = services.builds.refOf(buildId);
  const transacted = await services.runs.transact(id, (record, now) => {
    if (!isAuthorized(record, attempt, tokenHash)) {
      throw new AppError("unauthorized", { detail: "not the token of the run's attempt" });
    }
    // Without a text: the agent is being started, so the claim is the build's.
    const event: RunEvent =
      text === "" && events.length === 0
        ? { type: "claimed", attempt, build }
        : { type: "progress", attempt, build, text, turn, events };
    return next(record, event, now);
  });
  if (transacted === undefined) throw notFound(id);
  if (transacted.record.run.done) {
    throw new AppError("conflict", { detail: `run ${id} is over` });
  }
  response.status(204).end();
}

function isAuthorized({ state }: RunRecord, attempt: number, tokenHash: string): boolean {
  return state.attempt === attempt && state.progressTokenHash === tokenHash;
}

/** A run that is absent and one of another owner look the same. */
export async function ownRun({ runs }: Services, { request, owner }: Call): Promise<Run> {
  const id = runIdOf(request);
  const run = await runs.getRun(id);
  if (run?.owner !== owner) throw notFound(id);
  return run;
}

/** The same with what the server alone knows. */
export async function ownRecord({ runs }: Services, { request, owner }: Call): Promise<RunRecord> {
  const id = runIdOf(request);
  const record = await runs.getRecord(id);
  if (record?.run.owner !== owner) throw notFound(id);
  return record;
}

function runIdOf(request: Request): string {
  const id = String(request.params["id"]);
  if (!isRunId(id)) throw notFound(id);
  return id;
}

function notFound(id: string): AppError {
  return new AppError("not_found", { detail: `there is no run ${id}` });
}
