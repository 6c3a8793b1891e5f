import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BuildStatus, verdictWithoutResult } from "../../shared/attempt/build-view.ts";
import { OUTCOMES, type Outcome, outcomeEntry } from "../../shared/attempt/outcomes.ts";
import { type Verdict, verdict } from "../../shared/attempt/verdict.ts";
import type { CheckFacts } from "../../shared/documents/check.ts";
import type { AgentFacts } from "../../shared/documents/manifest.ts";
import { outcomesPage } from "./outcomes.ts";

const FILE = join(import.meta.dirname, "../../docs/outcomes.md");

test("docs/outcomes.md is what shared says: UPDATE_DOCS=1 npm test -- test/docs/outcomes makes it anew", () => {
  if (process.env["UPDATE_DOCS"]) writeFileSync(FILE, outcomesPage());
  const isCurrent = readFileSync(FILE, "utf8") === outcomesPage();
  expect(isCurrent || "run: UPDATE_DOCS=1 npm test -- test/docs/outcomes").toBe(true);
});

test("every failure says what mends it", () => {
  for (const outcome of Object.keys(OUTCOMES) as Outcome[]) {
    const { status, remedy = "" } = outcomeEntry(outcome);
    const isFailure = status !== "succeeded" && outcome !== "cancelled";
    expect([outcome, /^[A-Z].*\.$/.test(remedy)]).toEqual([outcome, isFailure]);
  }
});

const FACTS: AgentFacts = {
  started: true,
  error: null,
  failedStep: null,
  exitCode: 0,
  signal: null,
  stoppedBy: null,
  result: { subtype: "success", result: "Done that." },
  toolCalls: 1,
  toolErrors: 0,
  deniedTools: [],
  turns: 1,
  lastText: "Done that.",
  stderrTail: "",
  wantsStructuredOutput: false,
  outputFaults: null,
};
const FAILED_CHECK: CheckFacts = {
  name: "unit",
  required: true,
  exitCode: 1,
  stoppedBy: null,
  ms: 900,
  output: "",
  editedByAgent: false,
};
const facts = (more: Partial<AgentFacts>): Verdict => verdict({ ...FACTS, ...more });
const failed = (more: object) => facts({ result: { is_error: true, subtype: "error", ...more } });
const build = (status: BuildStatus): Verdict =>
  verdictWithoutResult({
    ref: { name: "b", id: "b" },
    status,
    startedAt: null,
    input: "run_1",
    failure: "",
  });

const api = (status: number, modelFault?: string): Verdict =>
  facts({
    result: { is_error: true, terminal_reason: "api_error", api_error_status: status },
    ...(modelFault !== undefined && { modelFault }),
  });

test.each<[Outcome, Verdict]>([
  ["succeeded", facts({})],
  ["succeeded_with_denials", facts({ deniedTools: ["Write"], toolCalls: 2 })],
  ["background_ended", facts({ background: ["npm test", "a server"] })],
  ["background_ended", facts({ leftProcesses: { commands: ["npm run dev"], more: 0 } })],
  ["permission_denied", facts({ deniedTools: ["Write"], toolCalls: 0 })],
  ["nothing_done", facts({ result: { result: "" }, toolCalls: 0, lastText: "" })],
  ["no_result", facts({ result: null })],
  ["checks_failed", facts({ checks: [FAILED_CHECK] })],
  ["agent_error", failed({ result: "x" })],
  ["agent_not_started", facts({ started: false, error: "no program" })],
  ["checkout_failed", facts({ failedStep: "checkout", started: false })],
  ["setup_failed", facts({ failedStep: "setup", started: false })],
  ["refused", failed({ stop_reason: "refusal" })],
  [
    "output_schema_unmet",
    facts({
      wantsStructuredOutput: true,
      outputFaults: [{ pointer: "/a", detail: "is required" }],
    }),
  ],
  ["max_turns", failed({ subtype: "error_max_turns" })],
  ["budget_exhausted", failed({ subtype: "error_max_budget_usd" })],
  ["output_too_long", failed({ stop_reason: "max_tokens" })],
  ["out_of_memory", facts({ stoppedBy: "memory" })],
  ["too_many_processes", facts({ stoppedBy: "processes" })],
  ["out_of_disk", facts({ stoppedBy: "disk" })],
  ["timed_out", facts({ stoppedBy: "deadline" })],
  ["idle", facts({ stoppedBy: "idle" })],
  ["terminated", facts({ stoppedBy: "terminated" })],
  ["model_unauthorized", facts({ stoppedBy: "unauthorized" })],
  ["model_overloaded", api(529)],
  ["model_rejected", api(400)],
  [
    "model_unreachable",
    api(502, "The model's API at http://x takes no connections (ECONNREFUSED)."),
  ],
  [
    "model_unreachable",
    facts({
      stoppedBy: "deadline",
      turns: 0,
      modelFault: "The model's API at http://x takes no connections (ECONNREFUSED).",
    }),
  ],
  [
    "result_contradicted",
    facts({ contradiction: "The agent's result has an answer that the model never gave." }),
  ],
  ["artifact_missing", build("SUCCESS")],
  ["build_expired", build("EXPIRED")],
  ["build_timed_out", build("TIMEOUT")],
  ["build_cancelled", build("CANCELLED")],
])("%s says what the table says", (outcome, { outcome: found, message }) => {
  const { says, orSays = says } = outcomeEntry(outcome);
  const patterns = [says, orSays].map((sentence) =>
    sentence
      .split("…")
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
      .join("[\\s\\S]*"),
  );
  expect([found, message]).toEqual([
    outcome,
    expect.stringMatching(new RegExp(`^(${patterns.join("|")})$`)),
  ]);
});
