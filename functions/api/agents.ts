import type { Request } from "express";
import {
  AGENT_ID,
  Agent,
  AgentVersion,
  CreateAgent,
  contentOf,
  newAgent,
  placeAgent,
  reviseAgent,
} from "../../shared/agent/agent.ts";
import { ListAgents, ListAgentVersions, PatchAgent } from "../../shared/api/agents.ts";
import { mergePatch } from "../../shared/api/merge-patch.ts";
import { type AgentRef, CreateAgentRun } from "../../shared/documents/run.ts";
import { AppError } from "../../shared/errors.ts";
import type { Order } from "../../shared/run/accept.ts";
import type { TObject } from "../../shared/schema/type.ts";
import { validatorOf } from "../../shared/schema/validate.ts";
import { positionOf } from "../services/page.ts";
import type { Services } from "../services/services.ts";
import {
  acceptAgentOrder,
  acceptanceOf,
  confirmReplay,
  refuseSettings,
} from "./accept/accept-order.ts";
import { invalid, validBody, validQuery } from "./http/body.ts";
import type { Call } from "./http/call.ts";
import { namesTag } from "./http/etag.ts";
import { answerPage } from "./http/page.ts";

/** What an order takes from the agent that it is for. */
type Chosen = Pick<Order, "agent" | "settings" | "labels">;

/** `POST /v1/agents` */
export async function createAgent(services: Services, call: Call): Promise<void> {
  const agent = await storeAgent(services, call, validBody(call.request, CreateAgent));
  call.response.status(201).set("Location", `/v1/agents/${agent.id}`);
  answerAgent(call, agent);
}

/**
 * Stores a new agent, or finds the one of the same Idempotency-Key.
 *
 * @throws {AppError} idempotency_key_reused, invalid
 */
export async function storeAgent(
  services: Services,
  call: Call,
  content: CreateAgent,
): Promise<Agent> {
  refuseSettings(services, content.settings ?? {}, "/settings");
  const { id, owner, now, requestHash, writer } = acceptanceOf(services, call);
  const agent = newAgent({ id: id.replace(/^run_/, "agent_"), owner, now }, content);
  const existing = await services.agents.create({ agent, requestHash, writer });
  if (existing === undefined) return agent;
  confirmReplay(call.response, existing, { requestHash });
  return existing.agent;
}

/** `GET /v1/agents`: newest first. */
export async function listAgents({ agents }: Services, call: Call): Promise<void> {
  const query = validQuery(call.request, ListAgents);
  const archived = query.archived === "true";
  await answerPage(call, query, {
    read: (part) => agents.list({ owner: call.owner, archived }, part),
    positionOf,
    show: (agent: Agent) => inOrderOf(Agent, agent),
  });
}

/** `GET /v1/agents/{id}` */
export async function getAgent(services: Services, call: Call): Promise<void> {
  const agent = await ownAgent(services, call);
  const isKnown = namesTag(call.request.headers["if-none-match"], etagOf(agent));
  if (!isKnown) return answerAgent(call, agent);
  call.response.status(304).set("ETag", etagOf(agent)).end();
}

/** `PATCH /v1/agents/{id}`: a JSON merge patch of name, labels and settings. */
export async function patchAgent(services: Services, call: Call): Promise<void> {
  const patch = validBody(call.request, PatchAgent);
  const agent = await changeAgent(services, call, (before, now) => {
    refuseStale(call.request, before);
    const content = validContent(services, mergePatch(contentOf(before), patch));
    return reviseAgent(before, content, now);
  });
  answerAgent(call, agent);
}

/** `POST /v1/agents/{id}/archive` */
export async function archiveAgent(services: Services, call: Call): Promise<void> {
  const archive = (agent: Agent, now: Date) => placeAgent(agent, "archive", now);
  answerAgent(call, await changeAgent(services, call, archive));
}

/** `POST /v1/agents/{id}/unarchive` */
export async function unarchiveAgent(services: Services, call: Call): Promise<void> {
  const list = (agent: Agent, now: Date) => placeAgent(agent, "list", now);
  answerAgent(call, await changeAgent(services, call, list));
}

/** `GET /v1/agents/{id}/versions`: newest first. */
export async function listAgentVersions(services: Services, call: Call): Promise<void> {
  const query = validQuery(call.request, ListAgentVersions);
  const { id, version } = await ownAgent(services, call);
  await answerPage(call, query, {
    read: ({ limit, after }) => {
      const from = after === undefined ? version : Math.min(after.rank - 1, version);
      return services.agents.listVersions(id, { from, limit });
    },
    positionOf: (item) => ({ rank: item.version, id }),
    show: (item) => inOrderOf(AgentVersion, item),
  });
}

/** `GET /v1/agents/{id}/versions/{version}` */
export async function getAgentVersion(services: Services, call: Call): Promise<void> {
  const { id } = await ownAgent(services, call);
  const text = String(call.request.params["version"]);
  const isNumber = /^[1-9]\d{0,8}$/.test(text);
  const version = isNumber ? await services.agents.getVersion(id, Number(text)) : undefined;
  if (version === undefined) {
    throw new AppError("not_found", { detail: `agent ${id} has no version ${text}` });
  }
  call.response.json(inOrderOf(AgentVersion, version));
}

/** `POST /v1/agents/{id}/runs` */
export async function createAgentRun(services: Services, call: Call): Promise<void> {
  const { prompt, version, labels } = validBody(call.request, CreateAgentRun);
  const agent = await ownAgent(services, call);
  await acceptAgentOrder(services, call, async () => {
    const chosen = await atVersion(services, agent, { version, pointer: "/version" });
    return { prompt, ...chosen, labels: { ...chosen.labels, ...labels }, parentRunId: null };
  });
}

/**
 * A stored agent that a run shall execute, at its latest or a given version.
 *
 * @throws {AppError} invalid if there is no such agent or version, agent_archived
 */
export async function chosenAgent(
  services: Services,
  owner: string,
  { id, version }: Pick<AgentRef, "id"> & Partial<AgentRef>,
): Promise<Chosen> {
  const agent = await findAgent(services, owner, id);
  if (agent === undefined) {
    throw invalid([{ pointer: "/agent", detail: `names ${id}, and there is no such agent` }]);
  }
  return atVersion(services, agent, { version, pointer: "/agent/version" });
}

/**
 * An agent of the caller's, by default the one that the path names; one that is absent and one of another
 * owner look the same.
 *
 * @throws {AppError} not_found
 */
export async function ownAgent(
  services: Services,
  { request, owner }: Call,
  id: string = String(request.params["id"]),
): Promise<Agent> {
  const agent = await findAgent(services, owner, id);
  if (agent === undefined) throw notFound(id);
  return agent;
}

/**
 * Changes the agent that the path names.
 *
 * @param change see `AgentStore.transact`
 * @throws {AppError} not_found; what `change` throws
 */
export async function changeAgent(
  { agents }: Services,
  { request, owner }: Call,
  change: (agent: Agent, now: Date) => Agent,
): Promise<Agent> {
  const id = String(request.params["id"]);
  if (!isAgentId(id)) throw notFound(id);
  const agent = await agents.transact(id, (before, now) => {
    if (before.owner !== owner) throw notFound(id);
    return change(before, now);
  });
  if (agent === undefined) throw notFound(id);
  return agent;
}

function answerAgent({ response }: Call, agent: Agent): void {
  response.set("ETag", etagOf(agent)).json(inOrderOf(Agent, agent));
}

const etagOf = ({ revision }: Agent): string => `"${revision}"`;

/** A document's fields come back in alphabetical order; people read them in the schema's. */
function inOrderOf(schema: TObject, value: Agent | AgentVersion): object {
  const fields = new Map<string, unknown>(Object.entries(value));
  return Object.fromEntries(Object.keys(schema.properties).map((name) => [name, fields.get(name)]));
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

function notFound(id: string): AppError {
  return new AppError("not_found", { detail: `there is no agent ${id}` });
}

function isAgentId(text: string): boolean {
  return new RegExp(AGENT_ID).test(text);
}

/** An agent that is absent and one of another owner look the same. */
async function findAgent(
  { agents }: Services,
  owner: string,
  id: string,
): Promise<Agent | undefined> {
  if (!isAgentId(id)) return undefined;
  const agent = await agents.get(id);
  return agent?.owner === owner ? agent : undefined;
}

/**
 * What a run takes from an agent, at its latest or a given version.
 *
 * @param asked.pointer to the version in the request's body
 * @throws {AppError} invalid if there is no such version, agent_archived
 */
export async function atVersion(
  { agents }: Services,
  agent: Agent,
  { version = agent.version, pointer }: { version?: number | undefined; pointer: string },
): Promise<Chosen> {
  if (agent.archivedAt !== null) {
    const detail = `agent ${agent.id} is archived; send POST /v1/agents/${agent.id}/unarchive first`;
    throw new AppError("agent_archived", { detail });
  }
  const found = version === agent.version ? agent : await agents.getVersion(agent.id, version);
  if (found === undefined) {
    const detail = `is ${version}, and agent ${agent.id} has the versions 1 to ${agent.version}`;
    throw invalid([{ pointer, detail }]);
  }
  return { agent: { id: agent.id, version }, settings: found.settings, labels: found.labels };
}
