import { type Static, Type } from "typebox";
import { RUN_LIMITS } from "./limits.ts";

/** Machine types of Cloud Build's default pool, by Google's names. */
export const MACHINE_TYPES = [
  "E2_MEDIUM",
  "E2_STANDARD_2",
  "E2_HIGHCPU_8",
  "E2_HIGHCPU_32",
] as const;

/**
 * Claude Code's permission modes that work without a person. `bypassPermissions` is the default: the
 * sandbox, not a prompt, is the boundary. (`auto` cannot work behind a proxy of the model's API.)
 */
const PERMISSION_MODES = ["bypassPermissions", "acceptEdits", "dontAsk", "manual", "plan"] as const;

const toolRule = Type.String({ minLength: 1, maxLength: 200, pattern: "^[^,\\s-][^\\n\\r]*$" });
const toolRules = (description: string) => Type.Array(toolRule, { maxItems: 100, description });

/** How the agent of a run is set up, as a caller may write it. Everything has a default. */
export const AgentSettings = Type.Object(
  {
    model: Type.Optional(
      Type.String({
        pattern: "^[A-Za-z0-9][A-Za-z0-9._:/@\\[\\]-]{0,127}$",
        description: "The model's name or alias. Default: the agent command line's own.",
      }),
    ),
    maxTurns: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: RUN_LIMITS.maxTurns,
        description: `Turns after which the agent is stopped. Default: ${RUN_LIMITS.defaultMaxTurns}.`,
      }),
    ),
    maxBudgetUsd: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: RUN_LIMITS.maxBudgetUsd,
        description: `Spending cap in USD, checked after each answer of the model. Default: ${RUN_LIMITS.defaultBudgetUsd}.`,
      }),
    ),
    tools: Type.Optional(
      toolRules("The built-in tools that exist for the agent; [] for none. Default: all."),
    ),
    allowedTools: Type.Optional(toolRules("Permission rules that are allowed without asking.")),
    disallowedTools: Type.Optional(toolRules("Permission rules that are denied.")),
    permissionMode: Type.Optional(
      Type.Enum([...PERMISSION_MODES], { description: "Default: bypassPermissions." }),
    ),
    instructions: Type.Optional(
      Type.String({ maxLength: 64 * 1024, description: "Appended to the agent's system prompt." }),
    ),
    outputSchema: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: "JSON Schema that the run's structured output must satisfy.",
      }),
    ),
    timeoutSeconds: Type.Optional(
      Type.Integer({
        minimum: RUN_LIMITS.minTimeoutSeconds,
        maximum: RUN_LIMITS.maxTimeoutSeconds,
        description: `Seconds that the agent may work. Default: ${RUN_LIMITS.defaultTimeoutSeconds}.`,
      }),
    ),
    machineType: Type.Optional(
      Type.Enum([...MACHINE_TYPES], {
        description: "Cloud Build machine. Default: E2_STANDARD_2.",
      }),
    ),
    allowedHosts: Type.Optional(
      Type.Array(Type.String({ pattern: "^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$" }), {
        maxItems: 100,
        description:
          "Hosts that the agent may reach over HTTPS beside the model's API. Default: none.",
      }),
    ),
  },
  { additionalProperties: false },
);
export type AgentSettings = Static<typeof AgentSettings>;

/** {@link AgentSettings} with each default filled in: what a run really uses, kept with it. */
export type ResolvedAgent = AgentSettings &
  Required<
    Pick<
      AgentSettings,
      | "maxTurns"
      | "maxBudgetUsd"
      | "permissionMode"
      | "timeoutSeconds"
      | "machineType"
      | "allowedHosts"
    >
  >;

export function resolveAgent(settings: AgentSettings = {}): ResolvedAgent {
  return {
    maxTurns: RUN_LIMITS.defaultMaxTurns,
    maxBudgetUsd: RUN_LIMITS.defaultBudgetUsd,
    permissionMode: "bypassPermissions",
    timeoutSeconds: RUN_LIMITS.defaultTimeoutSeconds,
    machineType: "E2_STANDARD_2",
    allowedHosts: [],
    ...settings,
  };
}
