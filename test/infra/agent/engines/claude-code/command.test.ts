import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  claudeArguments,
  claudeEnvironment,
  claudeInput,
  installedClaudeCode,
  sessionPaths,
} from "../../../../../infra/agent/engines/claude-code/command.ts";
import { agentEnvironment } from "../../../../../infra/agent/environment.ts";
import type { AgentPlace } from "../../../../../infra/agent/sandbox/place.ts";
import { type AgentSettings, resolveAgent } from "../../../../../shared/agent/settings.ts";

const place: AgentPlace = {
  program: "/opt/agent/claude",
  home: "/home/agent",
  temporary: "/tmp",
  path: "/usr/bin",
  isUnconfinedRoot: false,
};
const SESSION = { id: "00000000-0000-4000-8000-000000000000", isRestored: false };
const ALWAYS = [
  ...["-p", "--output-format", "stream-json", "--verbose", "--session-id", SESSION.id],
  ...["--setting-sources", "user", "--strict-mcp-config"],
];
const DEFAULTS = [
  ...["--permission-mode", "bypassPermissions", "--max-turns", "100", "--max-budget-usd", "5"],
];

test.each<[string, AgentSettings, string[]]>([
  ["nothing set", {}, DEFAULTS],
  ["a model", { model: "opus" }, [...DEFAULTS, "--model", "opus"]],
  [
    "models to fall back to, and an effort",
    { model: "opus", fallbackModels: ["haiku", "sonnet"], effort: "xhigh" },
    [...DEFAULTS, ...["--model", "opus", "--fallback-model", "haiku,sonnet", "--effort", "xhigh"]],
  ],
  ["no model to fall back to", { fallbackModels: [] }, DEFAULTS],
  ["no tools at all", { tools: [] }, [...DEFAULTS, "--tools", ""]],
  ["some tools", { tools: ["Read", "Bash"] }, [...DEFAULTS, "--tools", "Read", "Bash"]],
  [
    "rules, of which each stays one argument",
    { allowedTools: ["Bash(git log:*)", "Read"], disallowedTools: ["WebFetch"] },
    [
      ...DEFAULTS,
      ...["--allowedTools", "Bash(git log:*)", "Read", "--disallowedTools", "WebFetch"],
    ],
  ],
  ["empty lists of rules, which are left out", { allowedTools: [], disallowedTools: [] }, DEFAULTS],
  [
    "a schema",
    { outputSchema: { type: "object", title: "$(id) 'x'" } },
    [...DEFAULTS, "--json-schema", `{"type":"object","title":"$(id) 'x'"}`],
  ],
  [
    "limits",
    { permissionMode: "plan", maxTurns: 3, maxBudgetUsd: 0.25 },
    ["--permission-mode", "plan", "--max-turns", "3", "--max-budget-usd", "0.25"],
  ],
])("the arguments for %s", (_name, settings, expected) => {
  const args = claudeArguments(resolveAgent(settings), SESSION, place);
  expect(args).toEqual([...ALWAYS, ...expected]);
});

test("instructions are passed as a file, never as an argument", () => {
  const agent = resolveAgent({ instructions: "--dangerous $(id)" });
  const args = claudeArguments(agent, SESSION, { ...place, instructionsFile: "/opt/i.txt" });
  expect(args.slice(-2)).toEqual(["--append-system-prompt-file", "/opt/i.txt"]);
  expect(args.join(" ")).not.toContain("$(id)");
});

test("a session is gone on with under this turn's instructions and tools", () => {
  const args = claudeArguments(resolveAgent({}), { ...SESSION, isRestored: true }, place);
  expect(args).not.toContain("--session-id");
  expect(args.join(" ")).toContain(`--system-prompt-snapshot off --resume ${SESSION.id} `);
});

test("a schema that does not fit into an argument is refused", () => {
  const agent = resolveAgent({ outputSchema: { description: "x".repeat(140_000) } });
  expect(() => claudeArguments(agent, SESSION, place)).toThrow("The output schema has more than");
});

test("the environment holds the placeholder key and nothing of the runner's", () => {
  const engine = claudeEnvironment(place, "placeholder");
  expect(agentEnvironment({ given: {}, place, engine })).toEqual({
    ANTHROPIC_API_KEY: "placeholder",
    API_TIMEOUT_MS: "600000",
    CLAUDE_CODE_DISABLE_AUTO_MEMORY: "1",
    CLAUDE_CODE_DISABLE_FILE_MENTIONS: "1",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    CLAUDE_CODE_MAX_RETRIES: "4",
    CLAUDE_CODE_PROJECT_DIR_NAME: "session",
    CLAUDE_CONFIG_DIR: "/home/agent/.claude",
    DISABLE_AUTOUPDATER: "1",
    HOME: "/home/agent",
    LANG: "C.UTF-8",
    PATH: "/usr/bin",
    SHELL: "/bin/bash",
    TERM: "dumb",
    TMPDIR: "/tmp",
    USER: "agent",
  });
});

test("an unconfined root is told to Claude Code, which refuses to work as root otherwise", () => {
  const environment = claudeEnvironment({ ...place, isUnconfinedRoot: true }, "placeholder");
  expect(environment).toHaveProperty("IS_SANDBOX", "1");
});

test.each([
  ["hello", "hello"],
  [" /compact", " /compact"],
  ["", ""],
  ["/compact", "\n/compact"],
  ["/etc/hosts is a file", "\n/etc/hosts is a file"],
])("the prompt %j is sent as %j", (prompt, expected) => {
  expect(claudeInput(Buffer.from(prompt)).toString()).toBe(expected);
});

test("bytes of a prompt that are no UTF-8 are left alone", () => {
  const prompt = Buffer.from([0xff, 0, 0xfe]);
  expect(claudeInput(prompt)).toEqual(prompt);
});

test("the installed Claude Code is the pinned version's program for this machine", () => {
  const installed = installedClaudeCode();
  expect(installed.version).toBe("2.1.330");
  expect(existsSync(join(installed.folder, installed.program))).toBe(true);
});

test("the session lies below the home under a fixed folder", () => {
  expect(sessionPaths("id")).toEqual({
    file: ".claude/projects/session/id.jsonl",
    folder: ".claude/projects/session/id",
  });
});
