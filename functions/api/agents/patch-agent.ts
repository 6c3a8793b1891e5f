import type { Request } from "express";
import { type Agent, CreateAgent, contentOf, reviseAgent } from "../../../shared/agent/agent.ts";
import { mergePatch } from "../../../shared/api/merge-patch.ts";
import { AppError } from "../../../shared/errors.ts";
import { validatorOf } from "../../../shared/schema/validate.ts";
import type { Services } from "../../services/services.ts";
import { refuseSettings } from "../accept/accept-order.ts";
import { invalid } from "../http/body.ts";
import type { CallOf } from "../http/call.ts";
import { answerAgent, etagOf } from "./agent-answer.ts";
import { changeAgent } from "./own-agent.ts";

/** `PATCH /v1/agents/{id}`: a JSON merge patch of name, labels and settings. */
export async function patchAgent(services: Services, call: CallOf<"patchAgent">): Promise<void> {
  const patch = call.body;
  const agent = await changeAgent(services, call, (before, now) => {
    refuseStale(call.request, before);
    const content = validContent(services, mergePatch(contentOf(before), patch));
    return reviseAgent(before, content, now);
  });
  answerAgent(call, agent);
}

/** @throws {AppError} precondition_required, precondition_failed */
function refuseStale({ headers }: Request, agent: Agent): void {
  const condition = headers["if-match"];
  if (condition === undefined) {
    const detail = "send If-Match with the ETag of the agent as you read it, or with *";
    throw new AppError("precondition_required", { detail });
  }
  const named = condition.split(",").map((tag) => tag.trim());
  // A weak tag never matches here (RFC 9110, section 13.1.1).
  if (named.includes("*") || named.includes(etagOf(agent))) return;
  const detail = `agent ${agent.id} has the ETag ${etagOf(agent)}; read it again and decide anew`;
  throw new AppError("precondition_failed", { detail });
}

/** @throws {AppError} invalid if this is no agent */
function validContent(services: Services, merged: unknown): CreateAgent {
  const result = validatorOf(CreateAgent)(merged);
  if (!result.ok) throw invalid(result.faults);
  refuseSettings(services, result.value.settings ?? {}, "/settings");
  return result.value;
}
