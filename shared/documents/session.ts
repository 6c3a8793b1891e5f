import type { AgentSettings } from "../agent/settings.ts";
import { sha256 } from "../hash.ts";
import { nullable } from "../schema/schema.ts";
import { type Static, Type } from "../schema/type.ts";
import { Commits, Output } from "./manifest.ts";

/**
 * What a run leaves for the next turn of its conversation, from its verified manifest: the files of
 * the agent's session and the state of its workspace belong together. Kept in `runState/{id}`,
 * because the objects' names hold the attempt's nonce.
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
  /** The commit that `workspace` applies to. Null: an empty workspace, or that of… */
  commit: nullable(Type.String()),
  /** … several repositories: the commit of each, by its folder. */
  commits: Type.Optional(Commits),
  /**
   * What the agent command line counts as spent so far in this session; the next turn's total has
   * it too.
   */
  totalCostUsd: Type.Number(),
  /** The same of the tokens. */
  totalInputTokens: Type.Integer(),
  totalOutputTokens: Type.Integer(),
  /** SHA-256 of the settings that shape the session's system prompt, hex. */
  instructionsHash: Type.String(),
  /** Only its files count: a run begins with them that has no part in the conversation. */
  isWorkspaceOnly: Type.Optional(Type.Literal(true)),
});
export type Session = Static<typeof Session>;

/** The files of what a run left, for a run whose own session has this id. */
export const workspaceOf = (session: Session, sessionId: string): Session => ({
  ...session,
  sessionId,
  files: [],
  totalCostUsd: 0,
  totalInputTokens: 0,
  totalOutputTokens: 0,
  isWorkspaceOnly: true,
});

/**
 * How a run's agent session came to be; `new` in a first turn, `lost` when there was one to
 * restore.
 */
export const SESSION_ORIGINS = ["new", "restored", "lost"] as const;

/** SHA-256, hex, of the settings that an agent's session carries in its system prompt and tools. */
export function instructionsHash(settings: AgentSettings): string {
  const { instructions = "", tools = null, disallowedTools = [], mcpServers = {} } = settings;
  const shaping = JSON.stringify([instructions, tools, disallowedTools, sorted(mcpServers)]);
  return sha256(shaping);
}

/** The same value, with the names in each object in one order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(([name, field]) => [name, sorted(field)] as const);
  return Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1)));
}
