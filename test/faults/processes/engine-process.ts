// Stands for the agent's command line in a proof with real processes, a hundred times as fast: it
// reads the prompt, does its task, asks the model once, speaks stream-json, and keeps a session.
import { randomUUID } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { isTask, taskOf, work } from "./work.ts";

const { values } = parseArgs({
  options: { "session-id": { type: "string" }, resume: { type: "string" } },
  strict: false,
  allowPositionals: true,
});
const sessionId = String(values.resume ?? values["session-id"]);
const sessionFile = join(
  process.env["CLAUDE_CONFIG_DIR"] ?? "",
  `projects/session/${sessionId}.jsonl`,
);

const tell = (event: object) => void process.stdout.write(`${JSON.stringify(event)}\n`);

/** A text as messages and sessions have it. */
const block = (text: string) => ({ type: "text", text });

/**
 * The prompt that it is to do: of one who is told to go on, the one that its session has last.
 */
function promptOf(input: string): string {
  if (isTask(input)) return input;
  const lines = readFileSync(sessionFile, "utf8").trim().split("\n");
  const told = lines.flatMap((line) => JSON.parse(line).message.content).map(({ text }) => text);
  return told.findLast(isTask) ?? "";
}

/** The model's answer; a status instead of it: its API's error. */
async function ask(content: object[]): Promise<{ id: string; text: string } | number> {
  const response = await fetch(`${process.env["ANTHROPIC_BASE_URL"]}/v1/messages`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "anthropic-version": "2023-06-01",
      "x-api-key": process.env["ANTHROPIC_API_KEY"] ?? "",
    },
    body: JSON.stringify({
      model: "claude-sonnet-4-5",
      max_tokens: 1000,
      messages: [{ role: "user", content }],
    }),
  });
  const answer = (await response.json()) as { id: string; content: { text: string }[] };
  return response.ok ? { id: answer.id, text: answer.content[0]?.text ?? "" } : response.status;
}

function keep(role: "user" | "assistant", content: object[]): void {
  mkdirSync(dirname(sessionFile), { recursive: true });
  const line = { type: role, uuid: randomUUID(), message: { role, content } };
  appendFileSync(sessionFile, `${JSON.stringify(line)}\n`);
}

async function main(): Promise<number> {
  if (values.resume !== undefined && !existsSync(sessionFile)) {
    process.stderr.write(`No conversation found with session ID: ${sessionId}\n`);
    return 1;
  }
  tell({ type: "system", subtype: "init", session_id: sessionId, mcp_servers: [] });
  const prompt = promptOf(readFileSync(0, "utf8"));
  // The model says what it was told last.
  const told = [block(prompt), block(await work(taskOf(prompt)))];
  keep("user", told);
  const answer = await ask(told);
  const head = { type: "result", session_id: sessionId, num_turns: 1, duration_ms: 1 };
  if (typeof answer === "number") {
    const error = { terminal_reason: "api_error", api_error_status: answer, result: "API error" };
    tell({ ...head, subtype: "success", is_error: true, ...error });
    return 1;
  }
  const { id, text } = answer;
  const message = { id, role: "assistant", content: [block(text)] };
  tell({ type: "assistant", message, parent_tool_use_id: null, session_id: sessionId });
  keep("assistant", [block(text)]);
  tell({ ...head, subtype: "success", is_error: false, result: text });
  return 0;
}

process.exitCode = await main();
