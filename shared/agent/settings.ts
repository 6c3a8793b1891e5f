import { RUN_LIMITS } from "../limits.ts";
import { type Static, Type } from "../schema/type.ts";
import { formed, named } from "../schema/words.ts";
import { ArtifactPatterns } from "./artifacts.ts";
import { Check, OnFailure } from "./checks.ts";
import { Repositories, Repository } from "./repository.ts";
import { SecretReference } from "./secret-reference.ts";

/** Machine types of Cloud Build's default pool, by Google's names. */
export const MACHINE_TYPES = [
  "E2_MEDIUM",
  "E2_STANDARD_2",
  "E2_HIGHCPU_8",
  "E2_HIGHCPU_32",
] as const;

/**
 * Claude Code's permission modes that work without a person. `bypassPermissions` is the default:
 * the sandbox, not a prompt, is the boundary. (`auto` cannot work behind a proxy of the model's
 * API.)
 */
const PERMISSION_MODES = ["bypassPermissions", "acceptEdits", "dontAsk", "manual", "plan"] as const;

const toolRule = Type.String({
  minLength: 1,
  maxLength: 200,
  ...formed({
    pattern: "^[^,\\s-][^\\n\\r]*$",
    form: 'one tool or rule on one line, which begins with no comma, space or "-"',
    example: "Bash(git log:*)",
  }),
});
const toolRules = (description: string) => Type.Array(toolRule, { maxItems: 100, description });

/** How much a model thinks, by Claude Code's words. */
const EFFORTS = ["low", "medium", "high", "xhigh", "max"] as const;

const modelName = (description: string) =>
  Type.String({
    ...formed({
      pattern: "^[A-Za-z0-9][A-Za-z0-9._:/@\\[\\]-]{0,127}$",
      form: "the name or alias of a model, of at most 128 characters and without spaces",
      example: "sonnet",
    }),
    description,
  });

/** A name that a shell takes for a variable's. */
const VARIABLE = {
  pattern: "^[A-Za-z_][A-Za-z0-9_]{0,127}$",
  form: 'letters, digits and "_", at most 128 and no digit first',
  example: "API_TOKEN",
};
const HEADER = {
  pattern: "^[A-Za-z0-9-]{1,128}$",
  form: 'letters, digits and "-", at most 128',
  example: "Authorization",
};
const HOST = {
  pattern: "^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$",
  form: "the name of a host, without https://, port or path",
  example: "registry.npmjs.org",
};
const SERVER = {
  pattern: "^[A-Za-z0-9_-]{1,64}$",
  form: 'letters, digits, "_" and "-", at most 64',
  example: "github",
};
const SHORT_TEXT = Type.String({ maxLength: 4096 });

/** A server of the Model Context Protocol, in the form of Claude Code's `mcpServers`. */
export const McpServer = Type.Union(
  [
    Type.Object(
      {
        type: Type.Literal("stdio"),
        command: Type.String({ minLength: 1, maxLength: 4096 }),
        args: Type.Optional(Type.Array(SHORT_TEXT, { maxItems: 100 })),
        env: Type.Optional(
          Type.Record(Type.String(formed(VARIABLE)), SHORT_TEXT, {
            ...named(VARIABLE),
            maxProperties: 50,
          }),
        ),
      },
      { additionalProperties: false },
    ),
    Type.Object(
      {
        type: Type.Enum(["http", "sse"]),
        url: Type.String({
          ...formed({
            pattern: "^https://[^\\s]+$",
            form: "an address that begins with https:// and has no spaces",
            example: "https://mcp.example.com/mcp",
          }),
          maxLength: 2048,
        }),
        headers: Type.Optional(
          Type.Record(Type.String(formed(HEADER)), SHORT_TEXT, {
            ...named(HEADER),
            maxProperties: 20,
          }),
        ),
      },
      { additionalProperties: false },
    ),
  ],
  {
    "x-form":
      'a server to be started, {"type": "stdio", "command": …}, or one to be reached, {"type": "http", "url": …}',
    examples: [{ type: "stdio", command: "npx", args: ["-y", "my-server"] }],
  },
);

/** How the agent of a run is set up, as a caller may write it. Everything has a default. */
export const AgentSettings = Type.Object(
  {
    model: Type.Optional(
      modelName("The model's name or alias. Default: the agent command line's own."),
    ),
    fallbackModels: Type.Optional(
      Type.Array(modelName("A model's name or alias."), {
        maxItems: 3,
        description: "Models that take over, in this order, while the model is overloaded.",
      }),
    ),
    effort: Type.Optional(
      Type.Enum([...EFFORTS], { description: "How much the model thinks. Default: the model's." }),
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
    mcpServers: Type.Optional(
      Type.Record(Type.String(formed(SERVER)), McpServer, {
        ...named(SERVER),
        maxProperties: 20,
        description:
          "Tool servers by name. Their texts may name a variable of `environment` in the form of a shell (a dollar sign and the name in braces); the hosts of remote ones must be in allowedHosts.",
      }),
    ),
    setupCommands: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 8192 }), {
        maxItems: 20,
        description:
          "Shell commands that run in the workspace, in the sandbox, before the agent; the first that fails ends the run.",
      }),
    ),
    checks: Type.Optional(
      Type.Array(Check, {
        maxItems: RUN_LIMITS.checks,
        description:
          "Commands that run in the workspace, in the sandbox, one after the other once the agent is done. The run fails with checks_failed if a required one does not pass.",
      }),
    ),
    onFailure: Type.Optional(OnFailure),
    artifacts: Type.Optional(ArtifactPatterns),
    repository: Type.Optional(Repository),
    repositories: Type.Optional(Repositories),
    environment: Type.Optional(
      Type.Record(Type.String(formed(VARIABLE)), SecretReference, {
        ...named(VARIABLE),
        maxProperties: 20,
        description:
          "Variables of the agent, its setup commands and its checks, from secrets by reference.",
      }),
    ),
    outputSchema: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description:
          "JSON Schema, for an object, that the run's structured output must satisfy; `format` says nothing. A run whose output does not satisfy it fails with output_schema_unmet.",
      }),
    ),
    timeoutSeconds: Type.Optional(
      Type.Integer({
        minimum: RUN_LIMITS.minTimeoutSeconds,
        maximum: RUN_LIMITS.maxTimeoutSeconds,
        description: `Seconds that setup commands, agent and checks may take together. Default: ${RUN_LIMITS.defaultTimeoutSeconds}.`,
      }),
    ),
    machineType: Type.Optional(
      Type.Enum([...MACHINE_TYPES], {
        description: "Cloud Build machine. Default: E2_STANDARD_2.",
      }),
    ),
    allowedHosts: Type.Optional(
      Type.Array(Type.String(formed(HOST)), {
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
