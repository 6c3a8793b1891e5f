import type { Request } from "express";
import type { Run } from "../../../shared/documents/run.ts";
import { AppError } from "../../../shared/errors.ts";
import { isRunId } from "../../../shared/ids.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import type { Services } from "../../services.ts";
import type { Call } from "../http/call.ts";

/**
 * The run that the path names. One that is absent and one of another owner look the same.
 *
 * @throws {AppError} not_found
 */
export async function ownRun({ runs }: Services, { request, owner }: Call): Promise<Run> {
  const id = runIdOf(request);
  const run = await runs.getRun(id);
  if (run?.owner !== owner) throw noRun(id);
  return run;
}

/**
 * The run that the path names, with what the server alone knows of it. One that is absent and one of
 * another owner look the same.
 *
 * @throws {AppError} not_found
 */
export async function ownRecord({ runs }: Services, { request, owner }: Call): Promise<RunRecord> {
  const id = runIdOf(request);
  const record = await runs.getRecord(id);
  if (record?.run.owner !== owner) throw noRun(id);
  return record;
}

/** @throws {AppError} not_found if what the path names has not the form of a run's id */
export function runIdOf(request: Request): string {
  const id = String(request.params["id"]);
  if (!isRunId(id)) throw noRun(id);
  return id;
}

export function noRun(id: string): AppError {
  return new AppError("not_found", { detail: `there is no run ${id}` });
}
