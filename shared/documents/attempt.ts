import { AgentSettings } from "../agent/settings.ts";
import { Retention } from "../run/retention.ts";
import { nullable } from "../schema/schema.ts";
import { type Static, Type } from "../schema/type.ts";
import { PlacedFile, SentTree } from "./files.ts";
import { MirrorPlace } from "./mirror.ts";
import { Session } from "./session.ts";

/** Files of the input archive, which is the build's source. */
export const INPUT_FILES = { attempt: "attempt.json", prompt: "prompt.txt" } as const;

/** An attempt that has ended in order, and what it has spent, in USD. */
const SpentAttempt = Type.Object({
  attempt: Type.Integer({ minimum: 1 }),
  spentUsd: Type.Number({ minimum: 0 }),
});
export type SpentAttempt = Static<typeof SpentAttempt>;

/**
 * `attempt.json`: all that the runner needs to know about its attempt. It holds the attempt's
 * secrets (paths with the nonce, the progress token), so it never reaches the agent.
 */
export const AttemptInput = Type.Object({
  schemaVersion: Type.Literal(1),
  runId: Type.String(),
  attempt: Type.Integer({ minimum: 1 }),
  /** Bucket of claim, cancel marker, outputs and manifest. */
  bucket: Type.String(),
  /** Their common prefix, ending in `/`; see `attemptPaths`. */
  prefix: Type.String(),
  /** UUID for the agent's session; that of `restore` when there is one. */
  sessionId: Type.String(),
  /** What an earlier run of the conversation left, to go on from. Null: this one begins afresh. */
  restore: nullable(Session),
  /**
   * What this run's attempt before left, to go on from in the place of `restore`. Absent or null:
   * nothing.
   */
  resume: Type.Optional(nullable(Session)),
  /** Settings with every default filled in. */
  agent: AgentSettings,
  /** What the conversation's workspace began with in the place of a repository. Absent: nothing. */
  tree: Type.Optional(SentTree),
  /** What is put into the workspace on top of all that. Absent: nothing. */
  files: Type.Optional(Type.Array(PlacedFile)),
  /**
   * A ref of the repository with which what the turns before changed conflicts: they are put onto
   * its commit first. Absent: they stay on theirs.
   */
  onto: Type.Optional(Type.String()),
  /** Whether what it changes is to be committed. Absent: it is not. */
  isDelivered: Type.Optional(Type.Literal(true)),
  /** Of several repositories, the folders of those to which it is. */
  deliveredFolders: Type.Optional(Type.Array(Type.String())),
  /**
   * What of its owner's day is set aside for this attempt, in USD. Absent: the day has no budget.
   */
  ownerBudgetUsd: Type.Optional(Type.Number({ minimum: 0 })),
  /** Earlier attempts of which it is known what they have spent. Absent: there is none. */
  spentBefore: Type.Optional(Type.Array(SpentAttempt)),
  /** Mirrors of its owner's repositories. Absent: none are used. */
  mirrors: Type.Optional(MirrorPlace),
  /** For how long its objects are kept. Absent: for ever. */
  retention: Type.Optional(Retention),
  /** Where progress goes: `POST url` with `Authorization: Bearer token`. */
  progress: Type.Object({ url: Type.String(), token: Type.String() }),
});
export type AttemptInput = Static<typeof AttemptInput>;

/** Names of an attempt's objects. Each holds the nonce, so nobody else can guess one. */
export interface AttemptPaths {
  /** Ends in `/`. */
  prefix: string;
  claim: string;
  cancel: string;
  manifest: string;
  /** Tokens of the GitHub App, sealed for the build that asked for them. */
  tokens: string;
  /** Ends in `/`. */
  outputs: string;
  /** Ends in `/`. Holds `NUMBER.json` for each checkpoint, and what they refer to. */
  checkpoints: string;
}

/** The paths under `prefix`, which is `attempts/RUN/ATTEMPT-NONCE/`. */
export function pathsUnder(prefix: string): AttemptPaths {
  return {
    prefix,
    claim: `${prefix}claim`,
    cancel: `${prefix}cancel`,
    manifest: `${prefix}manifest.json`,
    tokens: `${prefix}tokens.json`,
    outputs: `${prefix}outputs/`,
    checkpoints: `${prefix}checkpoints/`,
  };
}

/** What the names of all objects of attempts begin with. */
export const ATTEMPTS_PREFIX = "attempts/";

/** The same of a run's. */
export const runPrefix = (runId: string): string => `${ATTEMPTS_PREFIX}${runId}/`;

export function attemptPaths(runId: string, attempt: number, nonce: string): AttemptPaths {
  return pathsUnder(`${runPrefix(runId)}${attempt}-${nonce}/`);
}

/** The object of a checkpoint; names sort like numbers. */
export function checkpointObject({ checkpoints }: AttemptPaths, number: number): string {
  return `${checkpoints}${String(number).padStart(6, "0")}.json`;
}

/**
 * The input archive of one submission. `version` is the run state's when the lease was taken, so
 * that a second lease of the same attempt (Cloud Build had refused the first) never meets an older
 * archive.
 */
export function inputObject(paths: AttemptPaths, version: number): string {
  return `${paths.prefix}input-${version}.tar.gz`;
}

/**
 * Names of the objects that say what an attempt has spent; the run's later attempts read them, if
 * they were not told.
 */
export function spendingObjects(runId: string, attempt: number) {
  const prefix = `attempts/${runId}/spending/${attempt}-`;
  return {
    /** What it may have spent, `{upToUsd}`; steps count from 0, and the last of them holds. */
    step: (step: number): string => `${prefix}${step}.json`,
    /** What it has spent, `{spentUsd}`: runners of before wrote that when they ended in order. */
    settled: `${prefix}settled.json`,
  };
}
