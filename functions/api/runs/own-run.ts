import type { Run } from "../../../shared/documents/run.ts";
import { AppError } from "../../../shared/errors.ts";
import { isRunId } from "../../../shared/ids.ts";
import type { ResolvedRequest } from "../../../shared/run/accept.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import type { Services } from "../../services/services.ts";
import type { ItemCall } from "../http/call.ts";

/**
 * The run that the path names. One that is absent and one of another owner look the same.
 *
 * @throws {AppError} not_found
 */
export async function ownRun({ runs }: Services, call: ItemCall): Promise<Run> {
  const id = runIdOf(call);
  const run = await runs.getRun(id);
  if (run?.owner !== call.owner) throw noRun(id);
  return run;
}

/**
 * The run that the path names, with what the server alone knows of it. One that is absent and one
 * of another owner look the same.
 *
 * @throws {AppError} not_found
 */
export async function ownRecord({ runs }: Services, call: ItemCall): Promise<RunRecord> {
  const id = runIdOf(call);
  const record = await runs.getRecord(id);
  if (record?.run.owner !== call.owner) throw noRun(id);
  return record;
}

/** @throws {AppError} not_found if what the path names has not the form of a run's id */
export function runIdOf({ params }: ItemCall): string {
  if (!isRunId(params.id)) throw noRun(params.id);
  return params.id;
}

/**
 * What was asked of a run that is there.
 *
 * @throws {AppError} prompt_expired
 */
export async function requestOf({ runs }: Services, { id }: Run): Promise<ResolvedRequest> {
  const request = await runs.getRequest(id);
  if (request !== undefined) return request;
  const detail = `the prompt and the settings of run ${id} are no longer kept; its outcome is at /v1/runs/${id}`;
  throw new AppError("prompt_expired", { detail });
}

export function noRun(id: string): AppError {
  return new AppError("not_found", { detail: `there is no run ${id}` });
}
