import { OUTCOMES, type Outcome } from "../../../shared/attempt/outcomes.ts";
import { verdict } from "../../../shared/attempt/verdict.ts";
import type { AgentFacts, ResultLine } from "../../../shared/documents/manifest.ts";

const DONE: ResultLine = {
  subtype: "success",
  is_error: false,
  terminal_reason: "completed",
  api_error_status: null,
  stop_reason: "end_turn",
  result: "I wrote hello.txt.",
  num_turns: 2,
  permission_denials: [],
};

function facts(overrides: Partial<AgentFacts> = {}): AgentFacts {
  return {
    started: true,
    error: null,
    failedStep: null,
    exitCode: 0,
    signal: null,
    stoppedBy: null,
    result: DONE,
    toolCalls: 1,
    toolErrors: 0,
    deniedTools: [],
    turns: 2,
    lastText: "I wrote hello.txt.",
    stderrTail: "",
    wantsStructuredOutput: false,
    outputFaults: null,
    ...overrides,
  };
}

/** Facts of an agent that ended with this result line. */
function ended(exitCode: number, result: Partial<ResultLine>, more: Partial<AgentFacts> = {}) {
  const line = { ...DONE, ...result };
  return facts({ exitCode, result: line, toolCalls: 0, ...more });
}

const apiError = (api_error_status: number | null, result: string): AgentFacts =>
  ended(1, {
    is_error: true,
    terminal_reason: "api_error",
    api_error_status,
    result,
    num_turns: 1,
  });

/** As Claude Code 2.1.330 ended: exit code and result line of each case, and what it means. */
const RECORDED: [string, Outcome, AgentFacts][] = [
  ["ok", "succeeded", facts()],
  ["401, bad key", "model_unauthorized", apiError(401, "Invalid API key · Fix external API key")],
  ["403", "model_unauthorized", apiError(403, "Failed to authenticate. API Error: 403")],
  ["400", "model_rejected", apiError(400, "API Error: 400")],
  ["400, no credit", "model_rejected", apiError(400, "Credit balance is too low")],
  [
    "400, prompt too long",
    "model_rejected",
    ended(1, { is_error: true, terminal_reason: "prompt_too_long", api_error_status: 400 }),
  ],
  ["404, unknown model", "model_rejected", apiError(404, "issue with the selected model")],
  [
    "413",
    "model_rejected",
    ended(1, { is_error: true, terminal_reason: "image_error", api_error_status: 413 }),
  ],
  ["429", "model_overloaded", apiError(429, "API Error: Request rejected (429)")],
  ["500", "model_overloaded", apiError(500, "API Error: 500")],
  ["529", "model_overloaded", apiError(529, "API Error: 529")],
  ["connection dropped", "model_unreachable", apiError(null, "Connection dropped (ECONNRESET)")],
  ["connection refused", "model_unreachable", apiError(null, "Connection refused (ECONNREFUSED)")],
  ["HTML instead of an answer", "model_unreachable", apiError(null, "empty or malformed response")],
  ["request timed out", "model_unreachable", apiError(null, "Request timed out")],
  [
    "refusal",
    "refused",
    ended(1, { is_error: true, terminal_reason: "api_error", stop_reason: "refusal" }),
  ],
  [
    "max_tokens",
    "output_too_long",
    ended(1, { is_error: true, terminal_reason: "api_error", stop_reason: "max_tokens" }),
  ],
  [
    "max turns",
    "max_turns",
    ended(1, {
      subtype: "error_max_turns",
      is_error: true,
      terminal_reason: "max_turns",
      num_turns: 3,
    }),
  ],
  [
    "budget",
    "budget_exhausted",
    ended(1, {
      subtype: "error_max_budget_usd",
      is_error: true,
      terminal_reason: "budget_exhausted",
    }),
  ],
  [
    "schema never satisfied",
    "output_schema_unmet",
    ended(1, {
      subtype: "error_max_structured_output_retries",
      is_error: true,
      terminal_reason: "structured_output_retry_exhausted",
    }),
  ],
  ["schema set, never called", "output_schema_unmet", facts({ wantsStructuredOutput: true })],
  [
    "schema ok",
    "succeeded",
    facts({
      wantsStructuredOutput: true,
      outputFaults: [],
      result: { ...DONE, structured_output: { a: 1 } },
    }),
  ],
  [
    "schema ok with a null",
    "succeeded",
    facts({
      wantsStructuredOutput: true,
      outputFaults: [],
      result: { ...DONE, structured_output: null },
    }),
  ],
  [
    "schema ok, output too long for the manifest",
    "succeeded",
    facts({ wantsStructuredOutput: true, outputFaults: [] }),
  ],
  [
    "schema not satisfied after all",
    "output_schema_unmet",
    facts({
      wantsStructuredOutput: true,
      outputFaults: [{ pointer: "/a", detail: "must be number" }],
      result: { ...DONE, structured_output: { a: "1" } },
    }),
  ],
  [
    "every tool denied, exit 0",
    "permission_denied",
    ended(0, { permission_denials: [{ tool_name: "Write" }] }, { toolCalls: 1, toolErrors: 1 }),
  ],
  [
    "a denial only the stream shows",
    "permission_denied",
    facts({ deniedTools: ["Read"], toolErrors: 1 }),
  ],
  [
    "one tool denied, another used",
    "succeeded_with_denials",
    facts({ deniedTools: ["Bash"], toolCalls: 2, toolErrors: 1 }),
  ],
  [
    "slash command instead of a prompt",
    "nothing_done",
    ended(0, { result: "", num_turns: 0 }, { turns: 0, lastText: "" }),
  ],
  [
    "turns zero with a text",
    "nothing_done",
    ended(0, { result: "usage", num_turns: 0 }, { turns: 0 }),
  ],
  [
    "empty answer without a tool",
    "nothing_done",
    ended(0, { result: "  " }, { turns: 1, lastText: "" }),
  ],
  [
    "empty answer after work",
    "succeeded",
    facts({ result: { ...DONE, result: "" }, lastText: "" }),
  ],
  [
    "SIGINT, own doing of the agent",
    "agent_error",
    ended(0, {
      subtype: "error_during_execution",
      is_error: true,
      terminal_reason: "aborted_streaming",
    }),
  ],
  [
    "subtype error without is_error",
    "agent_error",
    ended(0, { subtype: "error_during_execution", is_error: false, terminal_reason: null }),
  ],
  ["an unknown subtype", "agent_error", ended(0, { subtype: "error_of_tomorrow", is_error: true })],
  [
    "startup error on stderr",
    "agent_not_started",
    facts({
      exitCode: 1,
      result: null,
      turns: 0,
      toolCalls: 0,
      lastText: "",
      stderrTail: "error: unknown option --x\n",
    }),
  ],
  ["SIGTERM, no result line", "no_result", facts({ exitCode: 143, result: null })],
  ["SIGKILL", "no_result", facts({ exitCode: null, signal: "SIGKILL", result: null })],
  ["ends in mid-task with exit 0", "no_result", facts({ exitCode: 0, result: null })],
  ["an output could not be kept", "artifact_missing", facts({ error: "patch.diff: no space" })],
  [
    "the runner could not start it",
    "agent_not_started",
    facts({ started: false, error: "bubblewrap is missing", exitCode: null, result: null }),
  ],
];

/** What the runner did to it counts before what it said. */
const STOPPED: [NonNullable<AgentFacts["stoppedBy"]>, Outcome][] = [
  ["cancel", "cancelled"],
  ["deadline", "timed_out"],
  ["idle", "idle"],
  ["memory", "out_of_memory"],
  ["processes", "too_many_processes"],
  ["disk", "out_of_disk"],
  ["unauthorized", "model_unauthorized"],
  ["terminated", "terminated"],
];

describe("the verdict", () => {
  test("each bound that stops an agent is named by its outcome and its message", () => {
    const messages = (["memory", "processes", "disk"] as const).map(
      (stoppedBy) => verdict(facts({ stoppedBy })).message,
    );
    expect(messages).toEqual([
      "The agent used more memory than it may.",
      "The agent had more processes and threads than it may.",
      "The agent wrote more than it may, or all that its machine's disk had room for.",
    ]);
  });

  test.each(RECORDED)("%s is %s", (_case, outcome, recorded) => {
    expect(verdict(recorded).outcome).toBe(outcome);
  });

  test.each(STOPPED)(
    "an agent stopped by %s: %s, whatever its result line says",
    (stoppedBy, outcome) => {
      expect(verdict(facts({ stoppedBy })).outcome).toBe(outcome);
      expect(verdict(facts({ stoppedBy, result: null, exitCode: null })).outcome).toBe(outcome);
      expect(verdict(facts({ stoppedBy, started: false })).outcome).toBe(outcome);
    },
  );

  test.each([
    ["checkout", "checkout_failed"],
    ["setup", "setup_failed"],
  ] as const)("a %s that failed is told by what it said", (failedStep, outcome) => {
    const without = facts({ started: false, failedStep, error: "It ended.", result: null });
    expect(verdict(without)).toMatchObject({ outcome, message: "It ended." });
    const stopped = verdict({ ...without, stoppedBy: "cancel" });
    expect(stopped).toMatchObject({ outcome: "cancelled", message: "It ended." });
  });

  test("an agent that gave its result and did not exit is judged by the result", () => {
    expect(
      verdict(facts({ stoppedBy: "lingered", exitCode: null, signal: "SIGKILL" })).outcome,
    ).toBe("succeeded");
  });

  test("denied tools are named once each, from both sources", () => {
    const denials = { permission_denials: [{ tool_name: "Bash" }, { tool_name: "Write" }] };
    const { deniedTools } = verdict(
      facts({ deniedTools: ["Bash", "Read"], result: { ...DONE, ...denials } }),
    );
    expect(deniedTools).toEqual(["Bash", "Read", "Write"]);
  });

  test("a message says what the API or standard error said", () => {
    expect(verdict(apiError(429, "API Error: Request rejected (429)")).message).toContain("429");
    const stderr = facts({
      exitCode: 1,
      result: null,
      turns: 0,
      stderrTail: "x\nNo conversation found\n",
    });
    expect(verdict(stderr).message).toContain("No conversation found");
  });

  test("every failing outcome has a kind and a remedy", () => {
    for (const [name, entry] of Object.entries(OUTCOMES)) {
      if (entry.status === "succeeded" || name === "cancelled") continue;
      expect(entry).toMatchObject({
        kind: expect.any(String),
        remedy: expect.stringMatching(/\.$/),
      });
    }
  });
});
