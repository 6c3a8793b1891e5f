import { ListRuns } from "../../shared/api/runs.ts";
import { positionOf } from "../cloud/page-query.ts";
import type { Services } from "../services.ts";
import { validQuery } from "./body.ts";
import type { Call } from "./call.ts";
import { answerPage } from "./page.ts";
import { answerOf } from "./runs.ts";

/** `GET /v1/runs`: the owner's runs that fit every filter, newest first. */
export async function listRuns({ runs }: Services, call: Call): Promise<void> {
  const query = validQuery(call.request, ListRuns);
  await answerPage(call, query, {
    read: (part) => runs.list({ ...query, owner: call.owner }, part),
    positionOf,
    show: answerOf,
  });
}
