import { AgentIdOrName } from "../agent/agent.ts";
import { AgentSettings } from "../agent/settings.ts";
import { type Static, Type } from "../schema/type.ts";

/**
 * Which agent a run executes: a stored one, as its latest or a given version has it, or settings
 * for once.
 */
export const AgentChoice = Type.Union(
  [
    AgentIdOrName,
    Type.Object(
      {
        id: AgentIdOrName,
        version: Type.Optional(Type.Integer({ minimum: 1 })),
      },
      { additionalProperties: false, title: "a stored agent at a version" },
    ),
    Type.Object(
      { settings: AgentSettings },
      { additionalProperties: false, title: "settings for this run alone" },
    ),
  ],
  {
    "x-form":
      'the id or the name of a stored agent, {"id": …, "version": …} for one of its versions, or {"settings": {…}} for this run alone',
    examples: [{ settings: { maxTurns: 20 } }],
    description:
      "The agent: the id or the name of a stored one, one of its versions, or settings for this run alone. Default: every setting's default.",
  },
);
export type AgentChoice = Static<typeof AgentChoice>;
