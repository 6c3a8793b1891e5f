import type { Fault } from "../../../shared/errors.ts";
import { RUN_LIMITS, TRIGGER_LIMITS } from "../../../shared/limits.ts";
import { utf8Length } from "../../../shared/text.ts";
import { completed } from "../../../shared/triggers/change-trigger.ts";
import { isGranted } from "../../../shared/triggers/grants.ts";
import { scheduleFault } from "../../../shared/triggers/schedule.ts";
import type { CreateTrigger, Trigger } from "../../../shared/triggers/trigger.ts";
import type { Services } from "../../services/services.ts";
import { refuseSettings } from "../accept/accept-order.ts";
import { chosenAgent } from "../agents/chosen-agent.ts";
import { findAgent } from "../agents/own-agent.ts";
import { invalid } from "../http/body.ts";

/**
 * What a caller wrote of a trigger, once it is known that it can work: what it names is there, its
 * expressions can be read, and its events may be the owner's. The agent of a run's end is named by
 * its id.
 *
 * @throws {AppError} invalid, with each fault; agent_archived, conflict
 */
export async function checkedTrigger(
  services: Services,
  owner: string,
  content: CreateTrigger,
): Promise<CreateTrigger> {
  const { source, agent } = content;
  const faults = [
    ...sizeFaults(content),
    ...sourceFaults(services, owner, source),
    ...(await services.expressions.faults(completed(content))),
  ];
  if (faults.length > 0) throw invalid(faults);
  const { settings, labels } = await chosenAgent(services, owner, agent);
  const count = Object.keys({ ...labels, ...content.labels }).length;
  if (count > RUN_LIMITS.labels) {
    const detail = `are ${count} together with those of the agent; at most ${RUN_LIMITS.labels} are accepted`;
    throw invalid([{ pointer: "/labels", detail }]);
  }
  await refuseSettings(services, owner, { settings, pointer: "/agent/settings" });
  return { ...content, source: await resolvedSource(services, owner, source) };
}

function sizeFaults(content: CreateTrigger): Fault[] {
  const bytes = utf8Length(JSON.stringify(content));
  if (bytes <= TRIGGER_LIMITS.bytes) return [];
  const remedy = "store the agent, and name it";
  const detail = `has ${bytes} bytes as JSON; at most ${TRIGGER_LIMITS.bytes} are accepted: ${remedy}`;
  return [{ pointer: "", detail }];
}

function sourceFaults(
  { eventGrants }: Pick<Services, "eventGrants">,
  owner: string,
  source: Trigger["source"],
): Fault[] {
  if (source.kind === "schedule") {
    const detail = scheduleFault(source);
    return detail === undefined ? [] : [{ pointer: "/source", detail }];
  }
  if (source.kind !== "event") return [];
  if (source.type.startsWith("runyard.")) {
    const detail = 'is told by this service itself; ask for the end of a run by kind "run"';
    return [{ pointer: "/source/type", detail }];
  }
  if (isGranted(eventGrants, owner, source)) return [];
  const asked = [source.type, source.source ?? "any source", source.subject].filter(Boolean);
  const remedy =
    "the operator adds a row to RUNYARD_EVENT_GRANTS, or you narrow source and subject";
  const detail = `asks for events of the project that ${owner} may not have (${asked.join(", ")}): ${remedy}`;
  return [{ pointer: "/source", detail }];
}

/** Names of agents may change, and runs have ids. */
async function resolvedSource(
  services: Services,
  owner: string,
  source: Trigger["source"],
): Promise<Trigger["source"]> {
  if (source.kind !== "run" || source.agent === undefined) return source;
  const agent = await findAgent(services, owner, source.agent);
  if (agent !== undefined) return { ...source, agent: agent.id };
  const detail = `names ${source.agent}, and there is no such agent`;
  throw invalid([{ pointer: "/source/agent", detail }]);
}
