import { Agent, AgentVersion, CreateAgent } from "../agent/agent.ts";
import { CreateAgentRun } from "../documents/run.ts";
import { Type } from "../schema/type.ts";
import { AcceptQuery, RUN_ACCEPTED_OR_TRIED } from "./accepted.ts";
import { IDEMPOTENCY_KEY, PREFER, TRACEPARENT } from "./headers.ts";
import type { Operation } from "./operation.ts";
import { pageOf, paging } from "./page.ts";

/** `GET /v1/agents`: the query's parameters. */
export const ListAgents = Type.Object(
  {
    archived: Type.Optional(
      Type.Enum(["true", "false"], {
        description: "Whether archived agents are listed too. Default: false.",
      }),
    ),
    ...paging,
  },
  { additionalProperties: false },
);

/** `GET /v1/agents/{id}/versions`: the query's parameters. */
const ListAgentVersions = Type.Object(paging, { additionalProperties: false });

/** What a merge patch may hold; what it makes of the agent must be as CreateAgent says. */
export const PatchAgent = Type.Object({
  name: Type.Optional(CreateAgent.properties.name),
  labels: Type.Optional(
    Type.Union([Type.Record(Type.String(), Type.Unknown()), Type.Null()], {
      description: "Labels to set; null removes one, or all.",
    }),
  ),
  settings: Type.Optional(
    Type.Union([Type.Record(Type.String(), Type.Unknown()), Type.Null()], {
      description: "Settings to change; null removes one, or all.",
    }),
  ),
});

const ETAG = { ETag: "The agent's revision, for If-Match." } as const;
const ONE = { 200: { description: "The agent.", schema: Agent, headers: ETAG } } as const;

export const AGENT_OPERATIONS = [
  {
    id: "createAgent",
    method: "post",
    path: "/v1/agents",
    tag: "Agents",
    summary: "Store an agent",
    access: "run",
    headers: IDEMPOTENCY_KEY,
    body: CreateAgent,
    answers: {
      201: {
        description: "Stored, as version 1.",
        schema: Agent,
        headers: {
          ...ETAG,
          Location: "The agent's path.",
          "Idempotency-Replayed": "true: the agent was there already.",
        },
      },
    },
    problems: ["idempotency_key_reused"],
  },
  {
    id: "listAgents",
    method: "get",
    path: "/v1/agents",
    tag: "Agents",
    summary: "List agents, newest first",
    access: "read",
    query: ListAgents,
    answers: { 200: { description: "A page of agents.", schema: pageOf(Agent) } },
    problems: ["invalid"],
  },
  {
    id: "getAgent",
    method: "get",
    path: "/v1/agents/{id}",
    tag: "Agents",
    summary: "Get an agent",
    access: "read",
    headers: { "If-None-Match": "An ETag; 304 if the agent is still at that revision." },
    answers: { ...ONE, 304: { description: "`If-None-Match` names its revision.", headers: ETAG } },
    problems: ["not_found", "conflict"],
  },
  {
    id: "patchAgent",
    method: "patch",
    path: "/v1/agents/{id}",
    tag: "Agents",
    summary: "Change an agent: a JSON merge patch makes its next version, if it changes anything",
    access: "run",
    headers: { "If-Match": "The ETag of the agent as it was read; required." },
    body: PatchAgent,
    bodyType: "application/merge-patch+json",
    answers: ONE,
    problems: ["not_found", "conflict", "precondition_failed", "precondition_required"],
  },
  {
    id: "archiveAgent",
    method: "post",
    path: "/v1/agents/{id}/archive",
    tag: "Agents",
    summary: "Archive an agent: no longer listed or run; repeating it is no error",
    access: "run",
    answers: ONE,
    problems: ["not_found", "conflict"],
  },
  {
    id: "unarchiveAgent",
    method: "post",
    path: "/v1/agents/{id}/unarchive",
    tag: "Agents",
    summary: "Take an agent out of the archive; repeating it is no error",
    access: "run",
    answers: ONE,
    problems: ["not_found", "conflict"],
  },
  {
    id: "listAgentVersions",
    method: "get",
    path: "/v1/agents/{id}/versions",
    tag: "Agents",
    summary: "List the versions of an agent, newest first",
    access: "read",
    query: ListAgentVersions,
    answers: { 200: { description: "A page of versions.", schema: pageOf(AgentVersion) } },
    problems: ["not_found", "conflict", "invalid"],
  },
  {
    id: "getAgentVersion",
    method: "get",
    path: "/v1/agents/{id}/versions/{version}",
    tag: "Agents",
    summary: "Get a version of an agent; it never changes",
    access: "read",
    answers: { 200: { description: "The version.", schema: AgentVersion } },
    problems: ["not_found", "conflict"],
  },
  {
    id: "createAgentRun",
    method: "post",
    path: "/v1/agents/{id}/runs",
    tag: "Agents",
    summary: "Accept a run of an agent, at its latest or a given version",
    access: "run",
    query: AcceptQuery,
    headers: { ...IDEMPOTENCY_KEY, ...PREFER, ...TRACEPARENT },
    body: CreateAgentRun,
    answers: RUN_ACCEPTED_OR_TRIED,
    problems: [
      "not_found",
      "upload_expired",
      "conflict",
      "agent_archived",
      "idempotency_key_reused",
      "limit_reached",
      "budget_spent",
      "no_sandbox",
    ],
  },
] as const satisfies readonly Operation[];
