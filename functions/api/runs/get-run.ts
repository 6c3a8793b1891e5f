import type { Services } from "../../services/services.ts";
import type { CallOf } from "../http/call.ts";
import { noRun, ownRun } from "./own-run.ts";
import { answerOf } from "./run-answer.ts";

/** `GET /v1/runs/{id}` */
export async function getRun(services: Services, call: CallOf<"getRun">): Promise<void> {
  call.response.json(answerOf(await ownRun(services, call)));
}

/** `GET /v1/runs/{id}/request` */
export async function getRunRequest(
  services: Services,
  call: CallOf<"getRunRequest">,
): Promise<void> {
  const run = await ownRun(services, call);
  const request = await services.runs.getRequest(run.id);
  if (request === undefined) throw noRun(run.id);
  call.response.json(request);
}
