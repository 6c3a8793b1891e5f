import { positionOf } from "../../services/page.ts";
import type { Services } from "../../services/services.ts";
import type { CallOf } from "../http/call.ts";
import { answerPage } from "../http/page.ts";
import { answerOf } from "./run-answer.ts";

/** `GET /v1/runs`: the owner's runs that fit every filter, newest first. */
export async function listRuns({ runs }: Services, call: CallOf<"listRuns">): Promise<void> {
  const { query } = call;
  await answerPage(call, query, {
    read: (part) => runs.list({ ...query, owner: call.owner }, part),
    positionOf,
    show: answerOf,
  });
}
