import { QueuePlace } from "../capacity/place.ts";
import { AgentRef } from "../documents/run.ts";
import { nullable } from "../schema/schema.ts";
import { type Static, Type } from "../schema/type.ts";

/** What is known of a repository without fetching it. */
export const RepositoryLook = Type.Object({
  reachable: nullable(Type.Boolean(), {
    description: "Whether it can be read. Null: it has a credential, so only a checkout can tell.",
  }),
  why: Type.String({ description: "What answered there, or why nothing did: a sentence." }),
  hasRef: nullable(Type.Boolean(), {
    description: "Whether the ref is there. Null: none was named, or only a checkout can tell.",
  }),
});
export type RepositoryLook = Static<typeof RepositoryLook>;

/** What a request for a run would come to; one that would be refused is refused in the same way. */
export const DryRun = Type.Object({
  valid: Type.Literal(true),
  agent: nullable(AgentRef, {
    description: "The version of a stored agent that would do it. Null: settings of its own.",
  }),
  maxCostUsd: Type.Number({
    description:
      "What it could cost at most: the run's own budget, or what its owner's of the day has left.",
  }),
  queue: nullable(QueuePlace, {
    description:
      "The place that it would have among the runs of its owner that wait for a build slot. Null: a slot is free.",
  }),
  usually: nullable(
    Type.Object({
      runs: Type.Integer({ description: "Runs of the agent that ended in the last 30 days." }),
      p50Ms: Type.Integer({ description: "Half of them took no longer; within a fifth." }),
      p95Ms: Type.Integer({ description: "95 of 100 took no longer; within a fifth." }),
      p50CostUsd: nullable(Type.Number(), {
        description: "Half of them cost no more; within a fifth. Null: it is not known.",
      }),
      p95CostUsd: nullable(Type.Number(), {
        description: "95 of 100 cost no more; within a fifth. Null: it is not known.",
      }),
    }),
    { description: "What runs of the agent come to. Null: it has none yet, or is no stored one." },
  ),
  repository: nullable(RepositoryLook, {
    description: "Of the settings' repository. Null: they name none.",
  }),
  repositories: Type.Array(Type.Object({ folder: Type.String(), ...RepositoryLook.properties }), {
    description: "The same of several, in the order of the settings. Empty: they name none.",
  }),
});
export type DryRun = Static<typeof DryRun>;
