import { answerOf } from "../../../shared/documents/run-answer.ts";
import { AppError } from "../../../shared/errors.ts";
import { applyEvent } from "../../attempts/settle-attempt.ts";
import type { Services } from "../../services/services.ts";
import type { CallOf, ItemCall } from "../http/call.ts";
import { noRun, ownRun } from "./own-run.ts";

/** `POST /v1/runs/{id}/archive` */
export const archiveRun = (services: Services, call: CallOf<"archiveRun">): Promise<void> =>
  place(services, call, "archive");

/** `POST /v1/runs/{id}/unarchive` */
export const unarchiveRun = (services: Services, call: CallOf<"unarchiveRun">): Promise<void> =>
  place(services, call, "list");

async function place(services: Services, call: ItemCall, where: "archive" | "list"): Promise<void> {
  const { id } = await ownRun(services, call);
  const placed = await applyEvent(services, id, { type: "placed", in: where });
  if (placed === undefined) throw noRun(id);
  const { run } = placed.record;
  if (!run.done) {
    throw new AppError("conflict", { detail: `run ${id} is not over; cancel it first` });
  }
  call.response.json(answerOf(run));
}
