import { createHash } from "node:crypto";
import type { AgentSettings } from "./agent-settings.ts";
import { type BuildManifest, Output } from "./manifest.ts";
import { totalsOf } from "./result.ts";
import { type Static, type TSchema, Type } from "./type.ts";

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

/**
 * What a run leaves for the next turn of its conversation, from its verified manifest: the files of the
 * agent's session and the state of its workspace belong together. Kept in `runState/{id}`, because the
 * objects' names hold the attempt's nonce.
 */
export const Session = Type.Object({
  /** The run that left it. */
  runId: Type.String(),
  /** Bucket of the objects. */
  bucket: Type.String(),
  /** The agent's own id of its session, a UUID. */
  sessionId: Type.String(),
  /** The agent command line that wrote it; another cannot read it. */
  engine: Type.Object({ name: Type.String(), version: Type.String() }),
  /** Files of the session, named `session/…`. Empty: the agent left none. */
  files: Type.Array(Output),
  /** `workspace.diff`: all changes since the conversation's first checkout. Null: none. */
  workspace: nullable(Output),
  /** The commit that `workspace` applies to. Null: an empty workspace. */
  commit: nullable(Type.String()),
  /** What the agent command line counts as spent so far in this session; the next turn's total has it too. */
  totalCostUsd: Type.Number(),
  /** The same of the tokens. */
  totalInputTokens: Type.Integer(),
  totalOutputTokens: Type.Integer(),
  /** SHA-256 of the settings that shape the session's system prompt, hex. */
  instructionsHash: Type.String(),
});
export type Session = Static<typeof Session>;

/** How a run's agent session came to be; `new` in a first turn, `lost` when there was one to restore. */
export const SESSION_ORIGINS = ["new", "restored", "lost"] as const;

/** SHA-256, hex, of the settings that an agent's session carries in its system prompt and tools. */
export function instructionsHash(settings: AgentSettings): string {
  const { instructions = "", tools = null, disallowedTools = [], mcpServers = {} } = settings;
  const shaping = JSON.stringify([instructions, tools, disallowedTools, sorted(mcpServers)]);
  return createHash("sha256").update(shaping).digest("hex");
}

/** The same value, with the names in each object in one order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(([name, field]) => [name, sorted(field)] as const);
  return Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * What a finished run leaves for the next turn; null if the files of its session are not among its
 * outputs, which is so whenever the agent never started.
 *
 * `before` is what the run itself was given to restore: a run that was killed has no totals, and the
 * next one goes on from those before it.
 */
export function sessionOf(
  manifest: BuildManifest,
  bucket: string,
  before: Session | null = null,
): Session | null {
  const { session, outputs } = manifest;
  if (session === null) return null;
  const files = outputs.filter(({ name }) => name.startsWith("session/"));
  if (!files.some(({ name }) => name === `session/${session.id}.jsonl`)) return null;
  const named = (wanted: string) => outputs.find(({ name }) => name === wanted);
  const isCounted = manifest.facts.result !== null || session.origin !== "restored";
  const totals = totalsOf(manifest);
  return {
    runId: manifest.runId,
    bucket,
    sessionId: session.id,
    engine: manifest.agent,
    files,
    workspace: named("workspace.diff") ?? named("patch.diff") ?? null,
    commit: session.commit,
    totalCostUsd: isCounted ? totals.costUsd : (before?.totalCostUsd ?? 0),
    totalInputTokens: isCounted ? totals.inputTokens : (before?.totalInputTokens ?? 0),
    totalOutputTokens: isCounted ? totals.outputTokens : (before?.totalOutputTokens ?? 0),
    instructionsHash: session.instructionsHash,
  };
}
