import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { installedClaudeCode } from "../../infra/agent/engines/claude-code/command.ts";
import { startOfflineModel } from "../../infra/local/offline-model/start.ts";
import { startCommand } from "../support/command.ts";
import { META_NOW, WELCOME } from "../support/mcp.ts";
import { startWorld, type World } from "../support/world.ts";

const TIMEOUT_MS = 240_000;
const ROOT = join(import.meta.dirname, "../..");

/**
 * The real Claude Code as a person has it, headless, with one MCP server and a model that is a
 * script.
 */
async function claudeWith(server: object) {
  const stack = new AsyncDisposableStack();
  const home = mkdtempSync(join(tmpdir(), "home-"));
  stack.defer(() => rmSync(home, { recursive: true, force: true }));
  const model = stack.use(await startOfflineModel());
  const config = join(home, "mcp.json");
  writeFileSync(config, JSON.stringify({ mcpServers: { runyard: server } }));
  const { folder, program } = installedClaudeCode();
  const options = ["--strict-mcp-config", "--mcp-config", config, "--allowedTools", "mcp__runyard"];
  return {
    /** Has a tool called, and resolves to what it answered. */
    async call(tool: string, input: object): Promise<Record<string, unknown>> {
      const prompt = `call: mcp__runyard__${tool} ${JSON.stringify(input)}`;
      const claude = spawn(join(folder, program), ["-p", "--output-format", "json", ...options], {
        cwd: home,
        env: {
          PATH: process.env["PATH"],
          HOME: home,
          ANTHROPIC_BASE_URL: model.url,
          ANTHROPIC_API_KEY: "sk-ant-placeholder",
          CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
          DISABLE_AUTOUPDATER: "1",
        },
        stdio: ["pipe", "pipe", "inherit"],
      });
      claude.stdin.end(prompt);
      const { result } = JSON.parse(await text(claude.stdout)) as { result: string };
      const [, answer = ""] = result.match(/The tool answered: (.*\})/s) ?? [];
      if (answer === "") throw new Error(`Claude Code answered: ${result}`);
      return JSON.parse(answer);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const SERVERS: [string, (world: World) => object][] = [
  [
    "runyard mcp",
    ({ directory }) => ({
      command: process.execPath,
      args: [join(ROOT, "infra/launch.js"), join(ROOT, "cli/main.ts"), "mcp", "--state", directory],
    }),
  ],
  [
    "POST /mcp",
    ({ local }) => ({
      type: "http",
      url: local.address.apiUrl.replace(/\/v1$/, "/mcp"),
      headers: { Authorization: `Bearer ${local.key}` },
    }),
  ],
];

test.each(SERVERS)(
  "the real Claude Code starts a run through %s, waits for its end and reads its patch",
  async (_name, serverOf) => {
    await using world = await startWorld();
    await using claude = await claudeWith(serverOf(world));
    const { id } = await claude.call("start_run", { prompt: "run: echo hi > hi.txt" });
    expect(id).toMatch(/^run_/);
    expect(await claude.call("wait_for_run", { id })).toMatchObject({
      ...{ id, done: true, status: "succeeded" },
      changedFiles: ["hi.txt"],
    });
    expect(await claude.call("get_patch", { id })).toMatchObject({
      patch: expect.stringContaining("+hi"),
    });
  },
  TIMEOUT_MS,
);

test(
  "runyard mcp answers both revisions, tells what is wrong, and ends with its input",
  async () => {
    await using world = await startWorld();
    const command = startCommand(["mcp", "--state", world.directory], {}, { hasInput: true });
    const say = (message: unknown) =>
      command.input.write(`${typeof message === "string" ? message : JSON.stringify(message)}\n`);
    say({ jsonrpc: "2.0", id: "a", method: "initialize", params: WELCOME });
    await command.prints(/"id":"a"/);
    say({ jsonrpc: "2.0", method: "notifications/initialized" });
    say("no JSON");
    say({ jsonrpc: "2.0", id: "b", method: "tools/list" });
    await command.prints(/"id":"b"/);
    say({ jsonrpc: "2.0", id: "c", method: "server/discover", params: { _meta: META_NOW } });
    await command.prints(/"id":"c"/);
    const waiting = { name: "wait_for_run", arguments: { id: await waitingRun(world) } };
    say({ jsonrpc: "2.0", id: "d", method: "tools/call", params: waiting });
    say({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: "d" } });
    say({ jsonrpc: "2.0", id: "after", method: "ping" });
    await command.prints(/"id":"after"/);
    await world.local.close();
    say({ jsonrpc: "2.0", id: "e", method: "tools/list" });
    await command.prints(/"id":"e"/);
    say({ jsonrpc: "2.0", id: "f", method: "tools/call", params: waiting });
    command.input.end();
    expect(await command.exitCode).toBe(0);
    const answers = command
      .output()
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const of = (id: string | null) => answers.filter((answer) => answer.id === id);
    expect(of("a")).toMatchObject([{ result: { protocolVersion: "2025-11-25" } }]);
    expect(of(null)).toMatchObject([{ error: { code: -32700 } }]);
    expect(of("b")).toMatchObject([{ result: { tools: expect.any(Array) } }]);
    expect(of("c")).toMatchObject([{ result: { supportedVersions: ["2026-07-28"] } }]);
    expect(of("d")).toEqual([]);
    expect(of("e")).toMatchObject([
      { error: { message: expect.stringMatching(/No server runs on .* any longer/) } },
    ]);
  },
  TIMEOUT_MS,
);

async function waitingRun(world: World): Promise<string> {
  const response = await world.call("/runs", { json: { prompt: "wait 60 seconds" } });
  return ((await response.json()) as { id: string }).id;
}
