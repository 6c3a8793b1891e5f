import type { AgentFacts, FAILED_STEPS, ResultLine } from "../documents/manifest.ts";
import type { Fault } from "../errors.ts";
import { RUN_LIMITS } from "../limits.ts";
import { truncateUtf8 } from "../text.ts";
import type { Outcome } from "./outcomes.ts";

/** What really happened in an attempt, in one word, with the sentence that a person reads. */
export interface Verdict {
  outcome: Outcome;
  message: string;
  /** Names of the tools that the agent asked for and was denied, each once. */
  deniedTools: string[];
  /** What of the structured output does not fit its schema. */
  outputFaults?: Fault[];
}

const STOPPED: Record<NonNullable<AgentFacts["stoppedBy"]>, Outcome | null> = {
  cancel: "cancelled",
  deadline: "timed_out",
  idle: "idle",
  memory: "out_of_memory",
  terminated: "terminated",
  unauthorized: "model_unauthorized",
  // It had given its result and only failed to exit: the result counts.
  lingered: null,
};

const STOP_MESSAGES: Record<string, string> = {
  cancelled: "The run was cancelled while the agent worked.",
  timed_out: "The agent was still working when its time was over.",
  idle: "The agent said nothing for too long and was stopped.",
  out_of_memory: "The agent used more memory than it may.",
  terminated: "The build was ended from outside while the agent worked.",
  model_unauthorized: "The model's API refuses the key.",
};

/**
 * Computes the verdict from what the runner saw. An exit code of 0 and `subtype: "success"` prove
 * nothing: the agent's command line gives both for runs in which every tool was denied, nothing was
 * done or the asked-for output is missing.
 */
export function verdict(facts: AgentFacts): Verdict {
  const deniedTools = deniedToolsOf(facts);
  const [outcome, message] = judge(facts, deniedTools);
  return {
    outcome,
    message: truncateUtf8(message, RUN_LIMITS.messageBytes),
    deniedTools: deniedTools.slice(0, RUN_LIMITS.deniedTools),
    ...(outcome === "output_schema_unmet" && { outputFaults: outputFaultsOf(facts) }),
  };
}

const STEP_OUTCOMES: Record<(typeof FAILED_STEPS)[number], Outcome> = {
  checkout: "checkout_failed",
  setup: "setup_failed",
};

/** The validator's own faults, or else what the agent's command line says of its tries. */
function outputFaultsOf({ outputFaults, result }: AgentFacts): Fault[] {
  const said = (result?.errors ?? []).map((detail) => ({ pointer: "", detail }));
  return (outputFaults ?? said).slice(0, RUN_LIMITS.outputFaults).map(({ pointer, detail }) => ({
    pointer: truncateUtf8(pointer, 200),
    detail: truncateUtf8(detail, 300),
  }));
}

type Judgement = readonly [outcome: Outcome, message: string];

function judge(facts: AgentFacts, deniedTools: string[]): Judgement {
  if (facts.stoppedBy !== null) {
    const stopped = STOPPED[facts.stoppedBy];
    // Of a step before the agent, its own sentence says more.
    const said = facts.failedStep === null ? null : facts.error;
    if (stopped !== null) return [stopped, said ?? STOP_MESSAGES[stopped] ?? stopped];
  }
  if (facts.failedStep !== null) {
    return [STEP_OUTCOMES[facts.failedStep], facts.error ?? `The ${facts.failedStep} failed.`];
  }
  if (!facts.started) {
    return ["agent_not_started", facts.error ?? "The agent could not be started."];
  }
  if (facts.result === null) return judgeSilence(facts);
  if (isFailed(facts.result)) return judgeFailure(facts.result);
  return judgeSuccess(facts, facts.result, deniedTools);
}

/** No result line: the agent refused to start (its complaint is on standard error) or died. */
function judgeSilence(facts: AgentFacts): Judgement {
  const complaint = facts.error ?? lastLine(facts.stderrTail);
  if (facts.turns === 0 && facts.exitCode === 1 && complaint !== "") {
    return ["agent_not_started", `The agent did not start: ${complaint}`];
  }
  const how = facts.signal === null ? `exit code ${facts.exitCode}` : facts.signal;
  const said = complaint === "" ? "" : ` Its last words: ${complaint}`;
  return ["no_result", `The agent ended without a result (${how}).${said}`];
}

function isFailed(result: ResultLine): boolean {
  return result.is_error === true || (result.subtype ?? "success") !== "success";
}

const SUBTYPES: Record<string, Judgement> = {
  error_max_turns: ["max_turns", "The agent reached its maximum number of turns."],
  error_max_budget_usd: ["budget_exhausted", "The agent reached its spending cap."],
  error_max_structured_output_retries: [
    "output_schema_unmet",
    "No answer of the model satisfied the output schema.",
  ],
};

const TERMINAL_REASONS: Record<string, Outcome> = {
  max_turns: "max_turns",
  budget_exhausted: "budget_exhausted",
  structured_output_retry_exhausted: "output_schema_unmet",
  prompt_too_long: "model_rejected",
  image_error: "model_rejected",
};

const STOP_REASONS: Record<string, Judgement> = {
  refusal: ["refused", "The model refused the request."],
  max_tokens: ["output_too_long", "The model's answer was longer than it may be."],
};

function judgeFailure(result: ResultLine): Judgement {
  const bySubtype = SUBTYPES[result.subtype ?? ""];
  if (bySubtype) return bySubtype;
  const byStop = STOP_REASONS[result.stop_reason ?? ""];
  if (byStop) return byStop;
  const text = result.result ?? result.errors?.[0] ?? "The agent reported an error.";
  const byReason = TERMINAL_REASONS[result.terminal_reason ?? ""];
  if (byReason) return [byReason, text];
  if (result.terminal_reason === "api_error") return [judgeApiError(result.api_error_status), text];
  return ["agent_error", text];
}

/** `null`: no HTTP answer at all, so the API was not reached, hung up, or was not the API. */
function judgeApiError(status: number | null | undefined): Outcome {
  if (status === null || status === undefined) return "model_unreachable";
  if (status === 401 || status === 403) return "model_unauthorized";
  if (status === 429 || status >= 500) return "model_overloaded";
  return "model_rejected";
}

function judgeSuccess(facts: AgentFacts, result: ResultLine, deniedTools: string[]): Judgement {
  if (facts.wantsStructuredOutput && facts.outputFaults === null) {
    return ["output_schema_unmet", "The agent gave no structured output."];
  }
  const fault = facts.outputFaults?.[0];
  if (fault !== undefined) {
    const where = fault.pointer || "the output";
    return ["output_schema_unmet", `The output does not fit its schema: ${where} ${fault.detail}.`];
  }
  const doneCalls = facts.toolCalls - facts.toolErrors;
  if (deniedTools.length > 0 && doneCalls <= 0) {
    return [
      "permission_denied",
      `Every tool that the agent asked for was denied: ${deniedTools.join(", ")}.`,
    ];
  }
  if (facts.error !== null) return ["artifact_missing", facts.error];
  const answer = (result.result ?? facts.lastText).trim();
  if (facts.turns === 0 || (answer === "" && facts.toolCalls === 0)) {
    return ["nothing_done", "The agent ended at once: no answer, no tool used."];
  }
  if (deniedTools.length > 0) {
    return ["succeeded_with_denials", `Done, but denied: ${deniedTools.join(", ")}.`];
  }
  return ["succeeded", "Done."];
}

/** From the event stream and from the result line: each lists denials that the other leaves out. */
function deniedToolsOf(facts: AgentFacts): string[] {
  const fromResult = (facts.result?.permission_denials ?? []).map(
    (denial) => denial.tool_name ?? "a tool",
  );
  return [...new Set([...facts.deniedTools, ...fromResult])];
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)?.trim() ?? "";
}
