import { type Agent, CreateAgent, contentOf, reviseAgent } from "../../../shared/agent/agent.ts";
import { mergePatch } from "../../../shared/api/merge-patch.ts";
import { AppError } from "../../../shared/errors.ts";
import { validatorOf } from "../../../shared/schema/validate.ts";
import type { Services } from "../../services/services.ts";
import { refuseSettings } from "../accept/accept-order.ts";
import { invalid } from "../http/body.ts";
import type { CallOf } from "../http/call.ts";
import { refuseStale } from "../http/etag.ts";
import { answerAgent, etagOf } from "./agent-answer.ts";
import { changeAgent, ownAgent } from "./own-agent.ts";

/** How often a patch is made anew because somebody else changed the agent meanwhile. */
const TRIES = 5;

/** `PATCH /v1/agents/{id}`: a JSON merge patch of name, labels and settings. */
export async function patchAgent(services: Services, call: CallOf<"patchAgent">): Promise<void> {
  const patch = call.body;
  for (let tries = 1; tries <= TRIES; tries += 1) {
    const read = await ownAgent(services, call.owner, call.params.id);
    refuseStale(call.request, named(read));
    const content = validContent(mergePatch(contentOf(read), patch));
    const { settings = {} } = content;
    // Not in the transaction: what a schema comes to is seen by a thread of its own.
    await refuseSettings(services, call.owner, { settings, pointer: "/settings" });
    let isStale = false;
    const agent = await changeAgent(services, call, (before, now) => {
      refuseStale(call.request, named(before));
      isStale = before.revision !== read.revision;
      return isStale ? before : reviseAgent(before, content, now);
    });
    if (!isStale) return answerAgent(call, agent);
  }
  const detail = `agent ${call.params.id} is being changed by many at once`;
  throw new AppError("unavailable", { detail });
}

const named = (agent: Agent) => ({ is: `agent ${agent.id}`, etag: etagOf(agent) });

/** @throws {AppError} invalid if this is no agent */
function validContent(merged: unknown): CreateAgent {
  const result = validatorOf(CreateAgent)(merged);
  if (!result.ok) throw invalid(result.faults);
  return result.value;
}
