import { PHASE_NAMES } from "../documents/event.ts";
import { nullable } from "../schema/schema.ts";
import { type Static, Type } from "../schema/type.ts";
import { formed } from "../schema/words.ts";
import { GROUPINGS } from "../usage/usage-day.ts";
import type { Operation } from "./operation.ts";

const day = (description: string) =>
  Type.String({
    ...formed({ pattern: "^\\d{4}-\\d\\d-\\d\\d$", form: "a day", example: "2026-11-29" }),
    description,
  });

/** `GET /v1/usage`: the query's parameters. */
export const GetUsage = Type.Object(
  {
    by: Type.Optional(
      Type.Enum(["day", ...GROUPINGS], { description: "What is counted together. Default: day." }),
    ),
    from: Type.Optional(day("The first day, in UTC. Default: 29 days before the last.")),
    to: Type.Optional(day("The day after the last one. Default: tomorrow.")),
  },
  { additionalProperties: false },
);

const counts = {
  runs: Type.Integer({ description: "Runs that ended." }),
  costUsd: Type.Number(),
  inputTokens: Type.Integer(),
  outputTokens: Type.Integer(),
  phases: Type.Array(
    Type.Object({
      name: Type.Enum([...PHASE_NAMES, "run"], { description: "A phase, or the whole run." }),
      runs: Type.Integer({ description: "Runs that had it." }),
      p50Ms: Type.Integer({ description: "Half of them took no longer; within a fifth." }),
      p95Ms: Type.Integer({ description: "95 of 100 took no longer; within a fifth." }),
    }),
  ),
};

/** What runs came to. */
export const Usages = Type.Object({
  by: Type.String(),
  from: Type.String({ description: "The first day." }),
  to: Type.String({ description: "The day after the last one." }),
  items: Type.Array(
    Type.Object({
      key: nullable(Type.String(), {
        description:
          "A day, a status, an agent's id, a model, or a label as key:value. Null: runs without a stored agent, or of the engine's own model.",
      }),
      isRest: Type.Optional(
        Type.Boolean({ description: "True: all that there was no room for. Its key is null." }),
      ),
      ...counts,
      statuses: Type.Optional(
        Type.Array(Type.Object({ status: Type.String(), runs: Type.Integer() }), {
          description: "How these runs ended. Of days alone.",
        }),
      ),
    }),
    { description: "Days in their order; else those with the most runs first." },
  ),
  total: Type.Object(counts, { description: "All runs of the period." }),
});
export type Usages = Static<typeof Usages>;

export const USAGE_OPERATIONS = [
  {
    id: "getUsage",
    method: "get",
    path: "/v1/usage",
    tag: "Usage",
    summary: "Get what runs came to: counts, cost, tokens, and how long they took",
    access: "read",
    query: GetUsage,
    answers: { 200: { description: "Runs that ended in the period.", schema: Usages } },
    problems: ["invalid"],
  },
] as const satisfies readonly Operation[];
