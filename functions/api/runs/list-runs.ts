import { ListRuns } from "../../../shared/api/runs.ts";
import { positionOf } from "../../services/page.ts";
import type { Services } from "../../services/services.ts";
import { validQuery } from "../http/body.ts";
import type { Call } from "../http/call.ts";
import { answerPage } from "../http/page.ts";
import { answerOf } from "./own-run.ts";

/** `GET /v1/runs`: the owner's runs that fit every filter, newest first. */
export async function listRuns({ runs }: Services, call: Call): Promise<void> {
  const query = validQuery(call.request, ListRuns);
  await answerPage(call, query, {
    read: (part) => runs.list({ ...query, owner: call.owner }, part),
    positionOf,
    show: answerOf,
  });
}
