import { nullable } from "../schema/schema.ts";
import { type Static, Type } from "../schema/type.ts";
import { CheckFacts } from "./check.ts";
import { ChangeCounts, PhaseTime } from "./event.ts";
import { ArtifactGaps, Omissions } from "./omissions.ts";
import { STOP_CAUSES } from "./stop-causes.ts";

/** The object `claim`: who won the attempt. Created once. */
export const Claim = Type.Union([
  /** `runner` is random: a second process of the same build is not the one that has the claim. */
  Type.Object({ by: Type.Literal("build"), buildId: Type.String(), runner: Type.String() }),
  Type.Object({ by: Type.Literal("seal"), cause: Type.String() }),
]);
export type Claim = Static<typeof Claim>;

/** Steps before the agent that a request can make fail: its repository and its setup commands. */
export const FAILED_STEPS = ["checkout", "setup"] as const;

/**
 * The last line of Claude Code's stream-json (`type: "result"`), as it came, with its long texts
 * cut. Every field is optional and unknown ones are kept: versions differ.
 */
export const ResultLine = Type.Object({
  subtype: Type.Optional(Type.String()),
  is_error: Type.Optional(Type.Boolean()),
  terminal_reason: Type.Optional(nullable(Type.String())),
  api_error_status: Type.Optional(nullable(Type.Integer())),
  stop_reason: Type.Optional(nullable(Type.String())),
  result: Type.Optional(Type.String()),
  structured_output: Type.Optional(Type.Unknown()),
  errors: Type.Optional(Type.Array(Type.String())),
  num_turns: Type.Optional(Type.Integer()),
  total_cost_usd: Type.Optional(Type.Number()),
  modelUsage: Type.Optional(
    Type.Record(
      Type.String(),
      Type.Object({
        inputTokens: Type.Optional(Type.Number()),
        outputTokens: Type.Optional(Type.Number()),
        cacheReadInputTokens: Type.Optional(Type.Number()),
        cacheCreationInputTokens: Type.Optional(Type.Number()),
      }),
    ),
  ),
  permission_denials: Type.Optional(
    Type.Array(Type.Object({ tool_name: Type.Optional(Type.String()) })),
  ),
});
export type ResultLine = Static<typeof ResultLine>;

/** A call that was denied: its tool, and the part of its input that says most, cut. */
export const DeniedCall = Type.Object({ tool: Type.String(), input: Type.String() });
export type DeniedCall = Static<typeof DeniedCall>;

/** Begins the names of outputs that are files of the workspace. */
export const ARTIFACT_PREFIX = "files/";

/** What the runner saw of the agent: the facts that the verdict is computed from. */
export const AgentFacts = Type.Object({
  /** False: the agent never started; `error` says why. */
  started: Type.Boolean(),
  /**
   * The runner's own sentence about what kept the agent from starting, or an output from being
   * kept.
   */
  error: nullable(Type.String()),
  /** The step before the agent that failed; `error` says why, and the agent never started. */
  failedStep: nullable(Type.Enum([...FAILED_STEPS])),
  exitCode: nullable(Type.Integer()),
  signal: nullable(Type.String()),
  stoppedBy: nullable(Type.Enum([...STOP_CAUSES])),
  result: nullable(ResultLine),
  /** Tool calls that the model made, and of these the ones that were answered with an error. */
  toolCalls: Type.Integer(),
  toolErrors: Type.Integer(),
  /** Names of the tools that were denied, once per denial, from the event stream. */
  deniedTools: Type.Array(Type.String()),
  /** The same with what each call was to do. Absent in old manifests. */
  deniedCalls: Type.Optional(Type.Array(DeniedCall)),
  /** Names of the MCP servers that did not start, so that the agent worked without their tools. */
  failedServers: Type.Optional(Type.Array(Type.String())),
  /** What is said of commands that the agent left at work in the background: they ended with it. */
  background: Type.Optional(Type.Array(Type.String())),
  /** Processes that the agent left and that were ended because they did not end in time. */
  leftProcesses: Type.Optional(
    Type.Object({
      /** The first, as they showed themselves: one line each, cut. */
      commands: Type.Array(Type.String()),
      more: Type.Integer({ minimum: 0 }),
    }),
  ),
  turns: Type.Integer(),
  /**
   * What passed between the agent and the model's API, as the runner counted it. Absent in old
   * manifests.
   */
  spending: Type.Optional(
    Type.Object({
      costUsd: Type.Number({ minimum: 0 }),
      /** What earlier attempts of the run have spent, or may have. */
      earlierUsd: Type.Number({ minimum: 0 }),
      inputTokens: Type.Integer({ minimum: 0 }),
      outputTokens: Type.Integer({ minimum: 0 }),
      /** Whether a request was refused because what the attempt may spend was spent, */
      isExhausted: Type.Boolean(),
      /** … and whether that was less than the run's own budget: what its owner's day had left. */
      isOwners: Type.Optional(Type.Boolean()),
    }),
  ),
  /**
   * For how long after its end the model's API wanted to be left alone, if its last answer said so.
   */
  retryAfterSeconds: Type.Optional(Type.Integer({ minimum: 0 })),
  /** What kept the model's API from answering the last request; the runner's own sentence. */
  modelFault: Type.Optional(Type.String()),
  /** Something could not be written because the machine's disk was full; `error` says what. */
  isDiskFull: Type.Optional(Type.Boolean()),
  /** The storage did not answer for as long as it is waited for; `error` says so. */
  isStorageAway: Type.Optional(Type.Boolean()),
  /** How the result line contradicts what passed; the runner's own sentence. */
  contradiction: Type.Optional(Type.String()),
  /** The agent's last words, for a run that has no result line. */
  lastText: Type.String(),
  /** The end of standard error, at most 4 KiB. */
  stderrTail: Type.String(),
  /** Whether the run asked for structured output. */
  wantsStructuredOutput: Type.Boolean(),
  /** What of the structured output, all of it, does not fit the schema. Null: there is none. */
  outputFaults: nullable(
    Type.Array(Type.Object({ pointer: Type.String(), detail: Type.String() })),
  ),
  /** The run's checks, in their order. Absent: it has none, or the agent is at work. */
  checks: Type.Optional(Type.Array(CheckFacts)),
  /** How often the agent worked: checks that did not pass were handed back to it. Absent: once. */
  rounds: Type.Optional(Type.Integer({ minimum: 2 })),
  /** What is missing among the files that the run wants kept. Absent: nothing. */
  artifactGaps: Type.Optional(ArtifactGaps),
});
export type AgentFacts = Static<typeof AgentFacts>;

/** Commits of several repositories, by their folders. */
export const Commits = Type.Record(Type.String(), Type.String());

/** One uploaded output: its name, where it is, and what it must be when it is read. */
export const Output = Type.Object({
  /**
   * `result.json`, `setup.log`, `checks.log`, `events.jsonl`, `patch.diff`, `workspace.diff`,
   * `commit.jsonl`, `session/…` or, of the workspace, `files/…`.
   */
  name: Type.String(),
  /** Object name in the attempt's bucket. */
  object: Type.String(),
  contentType: Type.String(),
  sizeBytes: Type.Integer({ minimum: 0 }),
  /** Lowercase hex. */
  sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }),
});
export type Output = Static<typeof Output>;

/**
 * One file that the run changed. `added` and `removed` count lines and are null for binary files.
 */
export const ChangedFile = Type.Object({
  path: Type.String(),
  status: Type.Enum(["added", "modified", "deleted"]),
  added: nullable(Type.Integer()),
  removed: nullable(Type.Integer()),
});
export type ChangedFile = Static<typeof ChangedFile>;

/** `manifest.json` as a build writes it, after everything else. */
export const BuildManifest = Type.Object({
  schemaVersion: Type.Literal(1),
  by: Type.Literal("build"),
  runId: Type.String(),
  attempt: Type.Integer(),
  buildId: Type.String(),
  agent: Type.Object({ name: Type.String(), version: Type.String() }),
  isolation: Type.Enum(["bubblewrap", "none"]),
  /** RFC 3339. */
  startedAt: Type.String(),
  endedAt: Type.String(),
  facts: AgentFacts,
  /** The agent's session; absent if the agent never started. */
  session: nullable(
    Type.Object({
      id: Type.String(),
      origin: Type.Enum(["new", "restored", "lost"]),
      /** One sentence for people, when there is something to say; else empty. */
      remark: Type.String(),
      /** The commit that the workspace began with. Null: it began empty, or with… */
      commit: nullable(Type.String()),
      /** … several repositories: the commit of each, by its folder. */
      commits: Type.Optional(Commits),
      /** SHA-256 of the settings that shape the session's system prompt, hex. */
      instructionsHash: Type.String(),
    }),
  ),
  outputs: Type.Array(Output),
  changedFiles: Type.Array(ChangedFile),
  /** Changed files beyond those listed. */
  moreChangedFiles: Type.Integer({ minimum: 0 }),
  /** What of the workspace is not kept. Absent in old manifests, as what follows is. */
  omitted: Type.Optional(Omissions),
  /** What the changes come to, the files that are not listed too. */
  changes: Type.Optional(ChangeCounts),
  /** How long the runner's phases took, in their order. */
  phases: Type.Optional(Type.Array(PhaseTime)),
});
export type BuildManifest = Static<typeof BuildManifest>;

/**
 * `checkpoints/NUMBER.json`: what an attempt had come to while its agent worked, as a manifest. It
 * counts if the attempt leaves no manifest. Written after its outputs, of which those that had not
 * changed are an earlier checkpoint's. `endedAt` is when it was taken.
 */
export const Checkpoint = Type.Object({
  ...BuildManifest.properties,
  /** From 1. */
  number: Type.Integer({ minimum: 1 }),
});
export type Checkpoint = Static<typeof Checkpoint>;

/** `manifest.json` as we write it for an attempt that left none: it has no result. */
const SealedManifest = Type.Object({
  schemaVersion: Type.Literal(1),
  by: Type.Literal("seal"),
  cause: Type.String(),
});

/** The object `manifest.json`: the attempt's result. Created once. */
export const Manifest = Type.Union([BuildManifest, SealedManifest]);
export type Manifest = Static<typeof Manifest>;

/** Bounds of the manifest itself, so that nothing an agent prints makes it unreadable. */
export const MANIFEST_LIMITS = {
  /** UTF-8 bytes of the manifest object. */
  bytes: 2 * 1024 * 1024,
  /**
   * UTF-8 bytes of `result`, `structured_output` as JSON and `lastText` each; the whole is in
   * `result.json`.
   */
  textBytes: 64 * 1024,
  stderrBytes: 4 * 1024,
  /** UTF-8 bytes of what a check said; more is in `checks.log`. */
  checkOutputBytes: 4 * 1024,
  changedFiles: 1000,
  deniedTools: 100,
  omissions: 100,
  artifactGaps: 10,
  /** Characters of an omission's path. */
  omissionPathLength: 300,
} as const;
