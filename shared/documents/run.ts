import { AgentId } from "../agent/agent.ts";
import { AgentSettings } from "../agent/settings.ts";
import { RUN_LIMITS } from "../limits.ts";
import { Instant, Labels, nullable } from "../schema/schema.ts";
import { type Static, Type } from "../schema/type.ts";
import { formed } from "../schema/words.ts";
import { AgentChoice } from "./agent-choice.ts";
import { CheckResult } from "./check.ts";
import { Deliver, repositoryResults } from "./deliver.ts";
import { ChangeCounts, PhaseTime } from "./event.ts";
import { FileOfRequest, GivenFiles, GivenWorkspace, TreeOfRequest } from "./files.ts";
import { ChangedFile, DeniedCall } from "./manifest.ts";
import { ArtifactGaps, Omissions } from "./omissions.ts";
import { SESSION_ORIGINS } from "./session.ts";

/** Statuses that a client can see. The set is open: test `done`, not names. */
export const RUN_STATUSES = [
  "pending",
  "queued",
  "running",
  "cancelling",
  "succeeded",
  "failed",
  "timed_out",
  "cancelled",
  "expired",
] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

const prompt = Type.String({
  minLength: 1,
  ...formed({
    pattern: "\\S",
    form: "a text, not blank, that says what the agent shall do",
    example: "Create hello.txt and explain it",
  }),
  description: `What the agent shall do; at most ${RUN_LIMITS.promptBytes} bytes of UTF-8.`,
});

/** The body of `POST /v1/runs`. */
export const CreateRun = Type.Object(
  {
    prompt,
    agent: Type.Optional(AgentChoice),
    labels: Type.Optional(Labels),
    files: Type.Optional(GivenFiles),
    workspace: Type.Optional(GivenWorkspace),
    deliver: Type.Optional(Deliver),
    webhook: Type.Optional(
      Type.String({
        maxLength: 100,
        description: "Id of a webhook that is told of this run, whichever runs it else asks for.",
      }),
    ),
  },
  { additionalProperties: false },
);
export type CreateRun = Static<typeof CreateRun>;

const { workspace: _, webhook: __, ...ofTurn } = CreateRun.properties;

/** The body of `POST /v1/conversations/{id}/runs`. */
export const CreateTurn = Type.Object(
  {
    ...ofTurn,
    onBusy: Type.Optional(
      Type.Enum(["refuse", "queue"], {
        description:
          "What to do while another turn is at work: refuse (409 conversation_busy, the default) or queue, in order.",
      }),
    ),
  },
  { additionalProperties: false },
);
export type CreateTurn = Static<typeof CreateTurn>;

/** The body of `POST /v1/agents/{id}/runs`. */
export const CreateAgentRun = Type.Object(
  {
    prompt,
    version: Type.Optional(
      Type.Integer({ minimum: 1, description: "Version of the agent. Default: the latest." }),
    ),
    labels: Type.Optional(Labels),
    files: Type.Optional(GivenFiles),
    workspace: Type.Optional(GivenWorkspace),
    deliver: Type.Optional(Deliver),
  },
  { additionalProperties: false },
);
export type CreateAgentRun = Static<typeof CreateAgentRun>;

/** The body of `POST /v1/runs/{id}/rerun` and `…/continue`: what shall differ. */
export const Overrides = Type.Object(
  {
    prompt: Type.Optional(prompt),
    settings: Type.Optional(AgentSettings),
    labels: Type.Optional(Labels),
  },
  { additionalProperties: false },
);
export type Overrides = Static<typeof Overrides>;

/** A stored agent at a version. */
export const AgentRef = Type.Object({ id: AgentId, version: Type.Integer() });
export type AgentRef = Static<typeof AgentRef>;

/** `GET /v1/runs/{id}/request`: what was asked, with each default filled in. */
export const RunRequest = Type.Object({
  runId: Type.String(),
  prompt: Type.String(),
  agent: nullable(AgentRef, {
    description: "The stored agent that `settings` came from; null: they came with the request.",
  }),
  settings: AgentSettings,
  labels: Labels,
  files: Type.Optional(
    Type.Array(FileOfRequest, { description: "The files that came with it; absent: none." }),
  ),
  workspace: Type.Optional(GivenWorkspace),
  tree: Type.Optional({
    ...TreeOfRequest,
    description: "The upload that its workspace, or that of the runs before it, began with.",
  }),
  deliver: Type.Optional(Deliver),
});
export type RunRequest = Static<typeof RunRequest>;

/** An output object of the run: `gs://bucket/object`. */
export const Artifact = Type.Object({
  name: Type.String(),
  uri: Type.String(),
  contentType: Type.String(),
  sizeBytes: Type.Integer(),
  sha256: Type.String(),
});
export type Artifact = Static<typeof Artifact>;

/** Where an error comes from, which says who can mend it. */
export const ERROR_KINDS = ["agent", "model", "limit", "request", "infrastructure"] as const;

export const RunError = Type.Object({
  code: Type.String(),
  kind: Type.Enum([...ERROR_KINDS]),
  message: Type.String(),
  remedy: Type.String(),
  retryable: Type.Boolean({
    description: "Whether the same request may well succeed when it is sent again.",
  }),
  errors: Type.Optional(
    Type.Array(Type.Object({ pointer: Type.String(), detail: Type.String() }), {
      description:
        "Of `output_schema_unmet`: what does not fit, with JSON pointers into the output.",
    }),
  ),
});
export type RunError = Static<typeof RunError>;

/** What all attempts of a run have used together. Null: not known of any of them. */
export const Usage = Type.Object({
  costUsd: nullable(Type.Number()),
  inputTokens: nullable(Type.Integer()),
  outputTokens: nullable(Type.Integer()),
  turns: nullable(Type.Integer()),
  incomplete: Type.Boolean({
    description:
      "True: an attempt ended without notice; of it at most what it had stored by then is counted.",
  }),
});
export type Usage = Static<typeof Usage>;

export const outputProperties = {
  text: Type.String(),
  truncated: Type.Boolean({
    description:
      "True when `text` or `structured` was cut or left out: `result.json` has the whole, of an answer over 16 MiB the first 4.",
  }),
  changedFiles: Type.Array(ChangedFile),
  moreChangedFiles: Type.Integer({ description: "Changed files beyond those listed." }),
  omitted: Type.Optional(Omissions),
};

/** The document `runs/{id}`: public to its owner, at most 64 KiB. */
export const Run = Type.Object({
  id: Type.String(),
  schemaVersion: Type.Literal(1),
  owner: Type.String(),
  status: Type.Enum([...RUN_STATUSES], { description: "The set is open: test `done`, not names." }),
  done: Type.Boolean({ description: "True once the status is final." }),
  why: Type.String({
    description:
      "One sentence: what an unfinished run waits for, or what became of a finished one.",
  }),
  promptPreview: Type.String({ description: "The prompt's beginning." }),
  agent: nullable(AgentRef, {
    description: "The stored agent and its version; null: the settings came with the request.",
  }),
  conversation: Type.Object({
    id: Type.String(),
    turn: Type.Integer({ description: "From 1." }),
    session: nullable(Type.Enum([...SESSION_ORIGINS]), {
      description: "How the agent's session came to be; null until it is known.",
    }),
    remark: Type.String({
      description:
        "One sentence when the session is not simply the one of the turn before; else empty.",
    }),
  }),
  parentRunId: nullable(Type.String(), {
    description: "The run that this one repeats or continues.",
  }),
  labels: Labels,
  labelPairs: Type.Array(Type.String(), { description: "The labels as `key:value`, for queries." }),
  attempt: Type.Integer({ description: "From 1; more after a fault outside the request." }),
  progress: nullable(Type.Object({ text: Type.String(), turn: Type.Integer(), at: Instant }), {
    description: "What the agent did last.",
  }),
  phases: Type.Array(PhaseTime, {
    description: "How long each phase of the attempt took that is over, in their order.",
  }),
  changes: nullable(ChangeCounts, {
    description:
      "What the agent's changes come to: while it works, as of the last checkpoint; null: not known yet.",
  }),
  /** See `shared/attempt/verdict.ts` for the outcomes. */
  verdict: nullable(
    Type.Object({
      outcome: Type.String(),
      deniedTools: Type.Array(Type.String()),
      deniedCalls: Type.Optional(
        Type.Array(DeniedCall, {
          description: "The calls that were denied, as far as there is room for them.",
        }),
      ),
      failedServers: Type.Optional(
        Type.Array(Type.String(), {
          description: "MCP servers that did not start: the agent worked without their tools.",
        }),
      ),
      checks: Type.Optional(Type.Array(CheckResult, { description: "What became of the checks." })),
      rounds: Type.Optional(
        Type.Integer({
          description:
            "How often the agent worked: checks that did not pass were handed back to it. Absent: once.",
        }),
      ),
      artifactGaps: Type.Optional(ArtifactGaps),
      verified: Type.Optional(
        nullable(Type.Boolean(), {
          description:
            "Whether every required check passed. Null: the run has none, or nothing is known of them.",
        }),
      ),
    }),
    { description: "What really happened, whatever the agent's exit code says." },
  ),
  output: nullable(
    Type.Object({
      ...outputProperties,
      structured: nullable(Type.String(), {
        description: "The structured output as JSON text (Firestore holds no nested arrays).",
      }),
    }),
  ),
  error: nullable(RunError),
  usage: nullable(Usage),
  checkpoint: nullable(
    Type.Object({ attempt: Type.Integer(), number: Type.Integer(), at: Instant }),
    {
      description:
        "What was stored of an attempt that ended without notice: the result is of then, or a later attempt goes on from it.",
    },
  ),
  artifacts: Type.Array(Artifact),
  ...repositoryResults,
  isolation: nullable(Type.Enum(["bubblewrap", "none"]), {
    description: "How the agent was kept apart: `bubblewrap`, or `none`; null until it is known.",
  }),
  history: Type.Array(
    Type.Object({
      version: Type.Integer({ description: "Grows by one with each transition." }),
      status: Type.Enum([...RUN_STATUSES]),
      at: Instant,
      cause: Type.String(),
    }),
    { description: "The first transition and the last ones, oldest first." },
  ),
  createdAt: Instant,
  updatedAt: Instant,
  finishedAt: nullable(Instant),
  archivedAt: nullable(Instant, {
    description: "Since when lists leave it out; null: they do not.",
  }),
});
export type Run = Static<typeof Run>;
