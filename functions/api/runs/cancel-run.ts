import { answerOf } from "../../../shared/documents/run-answer.ts";
import { AppError } from "../../../shared/errors.ts";
import { applyEvent } from "../../attempts/settle-attempt.ts";
import type { Services } from "../../services/services.ts";
import type { CallOf } from "../http/call.ts";
import { noRun, ownRun } from "./own-run.ts";

/** `POST /v1/runs/{id}/cancel`. Repeating it is no error; it is one if the run ended otherwise. */
export async function cancelRun(services: Services, call: CallOf<"cancelRun">): Promise<void> {
  const { id } = await ownRun(services, call);
  const cancelled = await applyEvent(services, id, { type: "cancel" });
  if (cancelled === undefined) throw noRun(id);
  const { run } = cancelled.record;
  if (!cancelled.changed && run.done && run.status !== "cancelled") {
    throw new AppError("conflict", { detail: `run ${id} is over already: it ${run.status}` });
  }
  call.response.status(202).json(answerOf((await services.runs.getRun(id)) ?? run));
}
