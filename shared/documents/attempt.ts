import { AgentSettings } from "../agent/settings.ts";
import { nullable } from "../schema/schema.ts";
import { type Static, Type } from "../schema/type.ts";
import { Session } from "./session.ts";

/** Files of the input archive, which is the build's source. */
export const INPUT_FILES = { attempt: "attempt.json", prompt: "prompt.txt" } as const;

/**
 * `attempt.json`: all that the runner needs to know about its attempt. It holds the attempt's secrets
 * (paths with the nonce, the progress token), so it never reaches the agent.
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
  /** Settings with every default filled in. */
  agent: AgentSettings,
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
  /** Ends in `/`. */
  outputs: string;
}

/** The paths under `prefix`, which is `attempts/RUN/ATTEMPT-NONCE/`. */
export function pathsUnder(prefix: string): AttemptPaths {
  return {
    prefix,
    claim: `${prefix}claim`,
    cancel: `${prefix}cancel`,
    manifest: `${prefix}manifest.json`,
    outputs: `${prefix}outputs/`,
  };
}

export function attemptPaths(runId: string, attempt: number, nonce: string): AttemptPaths {
  return pathsUnder(`attempts/${runId}/${attempt}-${nonce}/`);
}

/**
 * The input archive of one submission. `version` is the run state's when the lease was taken, so that a
 * second lease of the same attempt (Cloud Build had refused the first) never meets an older archive.
 */
export function inputObject(paths: AttemptPaths, version: number): string {
  return `${paths.prefix}input-${version}.tar.gz`;
}
