import { AppError } from "../../../shared/errors.ts";
import type { Services } from "../../services/services.ts";
import type { Call } from "../http/call.ts";
import { ownRun } from "./own-run.ts";

/**
 * `DELETE /v1/runs/{id}`: erases a finished run: objects first, the run's own document last, so that a
 * deletion that broke off can be sent again. The next turn of its conversation begins without the files
 * of this one.
 */
export async function deleteRun(services: Services, call: Call): Promise<void> {
  const { id } = await ownRun(services, call);
  const record = await services.runs.getRecord(id);
  if (record === undefined) throw new AppError("not_found", { detail: `there is no run ${id}` });
  if (!record.run.done) {
    throw new AppError("conflict", { detail: `run ${id} is not over; cancel it first` });
  }
  if (record.state.obligations.length > 0) {
    const detail = `a build of run ${id} is still being ended; try again in a minute`;
    throw new AppError("conflict", { detail });
  }
  await services.artifacts.deleteRun(id, services.settings.logsBucket);
  await services.runs.delete(record);
  call.response.status(204).end();
}
