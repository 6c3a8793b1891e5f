import { type Static, Type } from "typebox";
import { AgentSettings } from "./agent-settings.ts";
import { RUN_LIMITS } from "./limits.ts";
import { ChangedFile } from "./manifest.ts";

const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

/** An instant: a Timestamp in documents, a `Date` in memory, an RFC 3339 string over HTTP. */
const Instant = Type.Unsafe<Date>({ type: "string", format: "date-time" });

/** Statuses that a client can see. The set is open: test `done`, not names. */
const RUN_STATUSES = [
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

const Labels = Type.Record(
  Type.String({ pattern: `^[a-z][a-z0-9_.-]{0,${RUN_LIMITS.labelKeyLength - 1}}$` }),
  Type.String({ maxLength: RUN_LIMITS.labelValueLength }),
  { maxProperties: RUN_LIMITS.labels, additionalProperties: false },
);

/** The body of `POST /v1/runs`. */
export const CreateRun = Type.Object(
  {
    prompt: Type.String({
      minLength: 1,
      pattern: "\\S",
      description: `What the agent shall do; at most ${RUN_LIMITS.promptBytes} bytes of UTF-8.`,
    }),
    agent: Type.Optional(AgentSettings),
    labels: Type.Optional(Labels),
  },
  { additionalProperties: false },
);
export type CreateRun = Static<typeof CreateRun>;

/** `GET /v1/runs/{id}/request`: what was asked, with each default filled in. */
export const RunRequest = Type.Object({
  runId: Type.String(),
  prompt: Type.String(),
  agent: AgentSettings,
  labels: Labels,
});
export type RunRequest = Static<typeof RunRequest>;

/** The body of `POST /v1/runs/{id}/progress`, which only a run's own build may call. */
export const ReportProgress = Type.Object(
  {
    attempt: Type.Integer({ minimum: 1 }),
    buildId: Type.String({ minLength: 1, maxLength: 64 }),
    text: Type.String({ maxLength: 500 }),
    turn: Type.Integer({ minimum: 0 }),
  },
  { additionalProperties: false },
);
export type ReportProgress = Static<typeof ReportProgress>;

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
  /** Whether the same request may well succeed when it is sent again. */
  retryable: Type.Boolean(),
});
export type RunError = Static<typeof RunError>;

export const Usage = Type.Object({
  costUsd: Type.Number(),
  inputTokens: Type.Integer(),
  outputTokens: Type.Integer(),
  turns: Type.Integer(),
});
export type Usage = Static<typeof Usage>;

/** The document `runs/{id}`: public to its owner, at most 64 KiB. */
export const Run = Type.Object({
  id: Type.String(),
  schemaVersion: Type.Literal(1),
  owner: Type.String(),
  status: Type.Enum([...RUN_STATUSES]),
  /** True once the status is final. */
  done: Type.Boolean(),
  /** One sentence: what an unfinished run waits for, or what became of a finished one. */
  why: Type.String(),
  promptPreview: Type.String(),
  labels: Labels,
  attempt: Type.Integer(),
  progress: nullable(Type.Object({ text: Type.String(), turn: Type.Integer(), at: Instant })),
  /** What really happened; see `shared/verdict.ts` for the outcomes. */
  verdict: nullable(
    Type.Object({ outcome: Type.String(), deniedTools: Type.Array(Type.String()) }),
  ),
  output: nullable(
    Type.Object({
      text: Type.String(),
      /** The structured output as JSON text (Firestore holds no nested arrays). */
      structured: nullable(Type.String()),
      /** True when `text` or `structured` was cut or left out: the whole is in `result.json`. */
      truncated: Type.Boolean(),
      changedFiles: Type.Array(ChangedFile),
      moreChangedFiles: Type.Integer(),
    }),
  ),
  error: nullable(RunError),
  usage: nullable(Usage),
  artifacts: Type.Array(Artifact),
  /** How the agent was kept apart: `bubblewrap`, or `none`; null until it is known. */
  isolation: nullable(Type.Enum(["bubblewrap", "none"])),
  /** The last transitions, oldest first. `version` grows by one with each. */
  history: Type.Array(
    Type.Object({
      version: Type.Integer(),
      status: Type.Enum([...RUN_STATUSES]),
      at: Instant,
      cause: Type.String(),
    }),
  ),
  createdAt: Instant,
  updatedAt: Instant,
  finishedAt: nullable(Instant),
});
export type Run = Static<typeof Run>;
