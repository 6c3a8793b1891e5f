import { CreateAgent } from "../agent/agent.ts";
import { AgentSettings } from "../agent/settings.ts";
import { CreateRun } from "../documents/run.ts";
import { nullable } from "../schema/schema.ts";
import { type TSchema, Type } from "../schema/type.ts";
import { IDEMPOTENCY_KEY, PREFER } from "./headers.ts";
import type { Operation } from "./operation.ts";

/** The body of `POST /api/conversation`. Other properties are ignored, here and below. */
const LegacyPrompt = Type.Object({
  prompt: CreateRun.properties.prompt,
  /** Default: the agent of the conversation's latest turn, or none. */
  agentId: Type.Optional(nullable(Type.String())),
  /** The conversation to go on with. Default: a new one. */
  conversationId: Type.Optional(nullable(Type.String())),
});

/** The body of `POST /agents/{id}/run`. Without a prompt the agent's own is what it shall do. */
const LegacyAgentPrompt = Type.Object({
  prompt: Type.Optional(nullable(Type.String())),
});

const { instructions, ...otherSettings } = AgentSettings.properties;
const content = { name: CreateAgent.properties.name, labels: CreateAgent.properties.labels };

/** The body of `POST /agents` and `PUT /agents/{id}`: an agent without levels. */
export const LegacyAgentContent = Type.Object({
  ...content,
  prompt: instructions,
  /** Another name of `prompt`, which counts if both are given. */
  instructions,
  ...otherSettings,
});

/** An agent without levels, as it is answered. */
export const LegacyAgent = Type.Object({
  id: Type.String(),
  ...content,
  prompt: Type.String(),
  ...otherSettings,
  createdAt: Type.String({ format: "date-time" }),
  updatedAt: Type.String({ format: "date-time" }),
});

const ids = { runId: Type.String(), conversationId: Type.String() };
const LegacyOutput = Type.Object({
  result: Type.Literal("성공"),
  output: Type.String(),
  ...ids,
});
const LegacyAccepted = Type.Object({ result: Type.Literal("accepted"), ...ids });
const LegacyDone = Type.Object({ result: Type.Literal("성공") });
export const LegacyError = Type.Object({
  error: Type.String(),
  runId: Type.Optional(Type.String()),
  conversationId: Type.Optional(Type.String()),
});

const one = (description: string, schema: TSchema) => ({ description, schema });
const REFUSED = { 400: one("What is wrong with the request.", LegacyError) } as const;
const ABSENT = { 404: one("There is none of that id.", LegacyError) } as const;
const ACCEPTED = {
  202: {
    ...one("Accepted, and durable.", LegacyAccepted),
    headers: { Location: "The run's path." },
  },
} as const;

export const LEGACY_OPERATIONS = [
  {
    id: "legacyConverse",
    method: "post",
    path: "/api/conversation",
    tag: "Legacy",
    summary: "Run a prompt and wait for the answer; use POST /v1/runs",
    access: "run",
    headers: {
      ...IDEMPOTENCY_KEY,
      Prefer: `respond-async: answer 202 at once. ${PREFER.Prefer}`,
    },
    body: LegacyPrompt,
    answers: {
      200: one("What the agent said.", LegacyOutput),
      ...ACCEPTED,
      ...REFUSED,
      ...ABSENT,
      500: one("The run failed, and why.", LegacyError),
      504: one("The run did not end in time.", LegacyError),
    },
  },
  {
    id: "legacyListAgents",
    method: "get",
    path: "/agents",
    tag: "Legacy",
    summary: "List all agents, newest first; use GET /v1/agents",
    access: "read",
    answers: { 200: one("The agents.", Type.Array(LegacyAgent)) },
  },
  {
    id: "legacyCreateAgent",
    method: "post",
    path: "/agents",
    tag: "Legacy",
    summary: "Store an agent; use POST /v1/agents",
    access: "run",
    headers: IDEMPOTENCY_KEY,
    body: LegacyAgentContent,
    answers: { 201: one("The agent.", LegacyAgent), ...REFUSED },
  },
  {
    id: "legacyGetAgent",
    method: "get",
    path: "/agents/{id}",
    tag: "Legacy",
    summary: "Get an agent; use GET /v1/agents/{id}",
    access: "read",
    answers: { 200: one("The agent.", LegacyAgent), ...ABSENT },
  },
  {
    id: "legacyReplaceAgent",
    method: "put",
    path: "/agents/{id}",
    tag: "Legacy",
    summary: "Replace an agent, whoever changed it meanwhile; use PATCH /v1/agents/{id}",
    access: "run",
    body: LegacyAgentContent,
    answers: { 200: one("The agent.", LegacyAgent), ...REFUSED, ...ABSENT },
  },
  {
    id: "legacyDeleteAgent",
    method: "delete",
    path: "/agents/{id}",
    tag: "Legacy",
    summary: "Archive an agent; use POST /v1/agents/{id}/archive",
    access: "run",
    answers: { 200: one("It is archived.", LegacyDone), ...ABSENT },
  },
  {
    id: "legacyRunAgent",
    method: "post",
    path: "/agents/{id}/run",
    tag: "Legacy",
    summary: "Run an agent, without waiting; use POST /v1/agents/{id}/runs",
    access: "run",
    headers: IDEMPOTENCY_KEY,
    body: LegacyAgentPrompt,
    isBodyOptional: true,
    answers: { ...ACCEPTED, ...REFUSED, ...ABSENT },
  },
] as const satisfies readonly Operation[];
