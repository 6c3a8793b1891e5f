import { isDeepStrictEqual } from "node:util";
import { Instant, Labels, nullable } from "../schema/schema.ts";
import { type Static, Type } from "../schema/type.ts";
import { formed } from "../schema/words.ts";
import { AgentSettings } from "./settings.ts";

/** Ids of agents: `agent_…`. */
export const AGENT_ID = "^agent_[0-9A-Za-z]{22}$";

/** The id of a stored agent. */
export const AgentId = Type.String(
  formed({
    pattern: AGENT_ID,
    form: "the id of a stored agent",
    example: "agent_07v95U8FE5rN5wVURJ4k9b",
  }),
);

const name = Type.String({
  minLength: 1,
  maxLength: 100,
  ...formed({ pattern: "\\S", form: "a name that is not blank", example: "reviewer" }),
});

/** How a request names a stored agent. */
export const AgentIdOrName = Type.String({
  minLength: 1,
  maxLength: 100,
  ...formed({
    pattern: "\\S",
    form: "the id or the name of a stored agent",
    example: "agent_07v95U8FE5rN5wVURJ4k9b",
  }),
});

/** The body of `POST /v1/agents`. */
export const CreateAgent = Type.Object(
  { name, labels: Type.Optional(Labels), settings: Type.Optional(AgentSettings) },
  { additionalProperties: false },
);
export type CreateAgent = Static<typeof CreateAgent>;

/** What a version of an agent fixes. */
const versioned = { name, labels: Labels, settings: AgentSettings };

/** The document `agents/{id}`: the agent as its latest version has it. */
export const Agent = Type.Object({
  id: AgentId,
  schemaVersion: Type.Literal(1),
  owner: Type.String(),
  version: Type.Integer({ description: "The latest version, from 1." }),
  revision: Type.Integer({
    description: "Raised by one with each change, archiving included; the ETag.",
  }),
  ...versioned,
  archivedAt: nullable(Instant),
  createdAt: Instant,
  updatedAt: Instant,
});
export type Agent = Static<typeof Agent>;

/** The document `agents/{id}/versions/{n}`: never changed. */
export const AgentVersion = Type.Object({
  agentId: AgentId,
  schemaVersion: Type.Literal(1),
  owner: Type.String(),
  version: Type.Integer(),
  ...versioned,
  createdAt: Instant,
});
export type AgentVersion = Static<typeof AgentVersion>;

/** A new agent, as its first version. */
export function newAgent(
  { id, owner, now }: { id: string; owner: string; now: Date },
  { name, labels = {}, settings = {} }: CreateAgent,
): Agent {
  return {
    id,
    schemaVersion: 1,
    owner,
    version: 1,
    revision: 1,
    name,
    labels,
    settings,
    archivedAt: null,
    createdAt: now,
    updatedAt: now,
  };
}

/** The agent's next version, with other content; the same object if nothing of it is other. */
export function reviseAgent(
  agent: Agent,
  { name, labels = {}, settings = {} }: CreateAgent,
  now: Date,
): Agent {
  const content = { name, labels, settings };
  if (isDeepStrictEqual(content, contentOf(agent))) return agent;
  const { version, revision } = agent;
  return { ...agent, ...content, version: version + 1, revision: revision + 1, updatedAt: now };
}

/** The agent in the archive or out of it; the same object if it is there already. */
export function placeAgent(agent: Agent, place: "archive" | "list", now: Date): Agent {
  const archivedAt = place === "list" ? null : (agent.archivedAt ?? now);
  if (archivedAt === agent.archivedAt) return agent;
  return { ...agent, archivedAt, revision: agent.revision + 1, updatedAt: now };
}

/** What a caller may change of an agent. */
export function contentOf({ name, labels, settings }: Agent): Required<CreateAgent> {
  return { name, labels, settings };
}
