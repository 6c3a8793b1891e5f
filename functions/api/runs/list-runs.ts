import type { Run } from "../../../shared/documents/run.ts";
import { answerOf } from "../../../shared/documents/run-answer.ts";
import { positionOf } from "../../services/page.ts";
import type { Services } from "../../services/services.ts";
import { findAgent } from "../agents/own-agent.ts";
import type { CallOf } from "../http/call.ts";
import { periodOf } from "../http/instants.ts";
import { answerPage } from "../http/page.ts";
import { followRuns } from "./follow-runs.ts";

/** `GET /v1/runs`: the owner's runs that fit every filter, newest first. */
export async function listRuns(services: Services, call: CallOf<"listRuns">): Promise<void> {
  const { query, owner } = call;
  const { status, agent, conversation, label, archived = "false" } = query;
  const filter = {
    owner,
    ...(status && { status }),
    ...(conversation !== undefined && { conversation }),
    ...(label && { label }),
    // Of what is no agent's there are no runs.
    ...(agent !== undefined && { agent: (await findAgent(services, owner, agent))?.id ?? agent }),
    ...periodOf(query),
  };
  if (query.follow === "" || query.follow === "true") {
    await followRuns(services, call, { filter, hasArchived: archived === "true" });
    return;
  }
  await answerPage(call, query, {
    read: (part) => services.runs.list(filter, part),
    // Runs of before cannot be asked for what they do not say, so it is no part of the query.
    skips: ({ archivedAt = null }: Run) => archived === "false" && archivedAt !== null,
    positionOf,
    show: answerOf,
  });
}
