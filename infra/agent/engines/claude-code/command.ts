import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { OutputSchema } from "../../../../shared/agent/output-schema.ts";
import type { ResolvedAgent } from "../../../../shared/agent/settings.ts";
import type { AgentPlace, Installed } from "../../sandbox/place.ts";

/** Bytes of one argument that every Linux accepts (128 KiB with the final NUL). */
const MAX_ARGUMENT_BYTES = 128 * 1024 - 1;
/** Retries of the API that Claude Code makes itself: some 10 s. The run's own retry comes after. */
const API_RETRIES = 4;
const API_TIMEOUT_MS = 600_000;
/** Folder of the session under `projects/`, whatever the working directory is. */
const PROJECT = "session";

/**
 * How to go on with a session. By default it would keep the instructions and tools of its first
 * turn, even when this turn's are others.
 */
const RESUME = ["--system-prompt-snapshot", "off", "--resume"];

/**
 * The installed Claude Code for this machine.
 *
 * @throws if its package for this platform is missing.
 */
export function installedClaudeCode(): Installed {
  const require = createRequire(import.meta.url);
  const { platform, arch } = process;
  const packages = [`${platform}-${arch}`, `${platform}-${arch}-musl`];
  for (const suffix of isMusl() ? packages.reverse() : packages) {
    const found = tryResolve(require, `@anthropic-ai/claude-code-${suffix}/package.json`);
    if (found === undefined) continue;
    const { version } = JSON.parse(readFileSync(found, "utf8")) as { version: string };
    const folder = dirname(found);
    const program = platform === "win32" ? "claude.exe" : "claude";
    if (existsSync(join(folder, program))) return { name: "claude-code", version, folder, program };
  }
  throw new Error(
    `Claude Code is not installed for ${platform} ${arch}; run npm install without --omit=optional.`,
  );
}

function isMusl(): boolean {
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return process.platform === "linux" && header?.glibcVersionRuntime === undefined;
}

function tryResolve(require: NodeJS.Require, name: string): string | undefined {
  try {
    return require.resolve(name);
  } catch {
    return undefined;
  }
}

/**
 * Claude Code's arguments. None holds a text of the user but the output schema, which is JSON,
 * follows its option and passes through no shell; instructions come as a file, the prompt on
 * standard input.
 *
 * `--setting-sources user --strict-mcp-config` keep settings, hooks and servers of the workspace
 * out.
 *
 * @throws if the output schema does not fit into an argument.
 */
export function claudeArguments(
  agent: ResolvedAgent,
  session: { id: string; isRestored: boolean },
  place: AgentPlace,
): string[] {
  const schema = agent.outputSchema && schemaArgument(agent.outputSchema);
  if (schema && Buffer.byteLength(schema) > MAX_ARGUMENT_BYTES) {
    throw new Error(`The output schema has more than ${MAX_ARGUMENT_BYTES} bytes.`);
  }
  const value = (option: string, given: string | number | undefined): string[] =>
    given === undefined ? [] : [option, String(given)];
  const list = (option: string, given: readonly string[] | undefined): string[] =>
    given === undefined || given.length === 0 ? [] : [option, ...given];
  return [
    ...["-p", "--output-format", "stream-json", "--verbose"],
    ...(session.isRestored ? [...RESUME, session.id] : ["--session-id", session.id]),
    ...["--setting-sources", "user", "--strict-mcp-config"],
    ...["--permission-mode", agent.permissionMode],
    ...["--max-turns", String(agent.maxTurns), "--max-budget-usd", String(agent.maxBudgetUsd)],
    ...value("--model", agent.model),
    ...value("--fallback-model", agent.fallbackModels?.join(",") || undefined),
    ...value("--effort", agent.effort),
    ...value("--mcp-config", place.mcpConfigFile),
    ...(agent.tools?.length === 0 ? ["--tools", ""] : list("--tools", agent.tools)),
    ...list("--allowedTools", agent.allowedTools),
    ...list("--disallowedTools", agent.disallowedTools),
    ...value("--append-system-prompt-file", place.instructionsFile),
    ...value("--json-schema", schema),
  ];
}

/** The output schema without the name of its draft: Claude Code refuses every one but draft 7's. */
function schemaArgument({ $schema: _draft, ...schema }: OutputSchema): string {
  return JSON.stringify(schema);
}

/** The variables that Claude Code wants beside those of every agent. */
export function claudeEnvironment(
  { home, isUnconfinedRoot }: Pick<AgentPlace, "home" | "isUnconfinedRoot">,
  placeholderKey: string,
): Record<string, string> {
  return {
    ANTHROPIC_API_KEY: placeholderKey,
    API_TIMEOUT_MS: String(API_TIMEOUT_MS),
    CLAUDE_CODE_DISABLE_AUTO_MEMORY: "1",
    CLAUDE_CODE_DISABLE_FILE_MENTIONS: "1",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    CLAUDE_CODE_MAX_RETRIES: String(API_RETRIES),
    CLAUDE_CODE_PROJECT_DIR_NAME: PROJECT,
    CLAUDE_CONFIG_DIR: `${home}/.claude`,
    DISABLE_AUTOUPDATER: "1",
    ...(isUnconfinedRoot && { IS_SANDBOX: "1" }),
  };
}

/**
 * What goes to Claude Code's standard input: the prompt, byte for byte.
 *
 * A prompt that starts with a slash could be taken for one of its commands (`/compact` would end
 * the run without asking the model); one newline before it prevents that and reaches the model with
 * it.
 */
export function claudeInput(prompt: Buffer): Buffer {
  const slash = "/".charCodeAt(0);
  return prompt[0] === slash ? Buffer.concat([Buffer.from("\n"), prompt]) : prompt;
}

/**
 * Whether Claude Code says on standard error that it does not know the session that it should go on
 * with.
 */
export const isSessionRefused = (stderr: string): boolean =>
  stderr.includes("No conversation found with session ID");

/**
 * Where Claude Code leaves the session, under its home: a file, and a folder of large tool results.
 */
export function sessionPaths(sessionId: string): { file: string; folder: string } {
  const base = `.claude/projects/${PROJECT}/${sessionId}`;
  return { file: `${base}.jsonl`, folder: base };
}
