import { parentOf } from "../../../shared/capacity/target.ts";
import { AppError } from "../../../shared/errors.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import { tellNow } from "../../attempts/settle-attempt.ts";
import { describeError } from "../../log.ts";
import type { Services } from "../../services/services.ts";
import type { CallOf } from "../http/call.ts";
import { noRun, ownRun } from "./own-run.ts";

/**
 * `DELETE /v1/runs/{id}`: erases a finished run: objects first, the run's own document last, so
 * that a deletion that broke off can be sent again. The next turn of its conversation begins
 * without the files of this one.
 */
export async function deleteRun(services: Services, call: CallOf<"deleteRun">): Promise<void> {
  const { id } = await ownRun(services, call);
  const record = await services.runs.getRecord(id);
  if (record === undefined) throw noRun(id);
  if (!record.run.done) {
    throw new AppError("conflict", { detail: `run ${id} is not over; cancel it first` });
  }
  if (record.state.obligations.length > 0 || (await endBuilds(services, id))) {
    const detail = `a build of run ${id} is still being ended; try again in a minute`;
    throw new AppError("conflict", { detail });
  }
  await tellOfEnd(services, record);
  await services.artifacts.deleteRun(id, services.settings.logsBucket);
  await services.runs.delete(record);
  call.response.status(204).end();
}

/**
 * Tells what nobody could tell any more. Where that will never be possible, as without the topic,
 * the run is erased all the same.
 *
 * @throws {AppError} unavailable if it may be possible later
 */
async function tellOfEnd(services: Services, record: RunRecord): Promise<void> {
  try {
    await tellNow(services, record);
  } catch (error) {
    if (error instanceof AppError) throw error;
    services.log("ERROR", `not told: ${describeError(error)}`, { runId: record.run.id });
  }
}

/**
 * Ends what is live of a run's builds, an operator's second one too. Whether there was any: while
 * it lives, the claims that keep agents from starting must stay.
 */
async function endBuilds({ builds, capacity }: Services, id: string): Promise<boolean> {
  const parents = new Set((await capacity.targets()).map(parentOf).concat(builds.parent));
  const lists = await Promise.all([...parents].map((parent) => builds.listLive(parent)));
  const live = lists.flat().filter(({ runId }) => runId === id);
  for (const { ref } of live) await builds.cancel(ref);
  return live.length > 0 || (await capacity.slotsOf(id)).length > 0;
}
