import type { CheckResult } from "../documents/check.ts";
import type { AgentFacts, DeniedCall, FAILED_STEPS, ResultLine } from "../documents/manifest.ts";
import { type ArtifactGaps, OMISSION_CAUSES, type Omissions } from "../documents/omissions.ts";
import type { Fault } from "../errors.ts";
import { RUN_LIMITS } from "../limits.ts";
import { takeWithin, truncateUtf8 } from "../text.ts";
import { checkResults, withChecks } from "./checked.ts";
import { type Judgement, OUTCOMES, type Outcome } from "./outcomes.ts";
import { endedOf, named, withGaps, withoutServers } from "./sentences.ts";

/** What really happened in an attempt, in one word, with the sentence that a person reads. */
export interface Verdict {
  outcome: Outcome;
  message: string;
  /** Names of the tools that the agent asked for and was denied, each once. */
  deniedTools: string[];
  /** The calls, as far as there is room for them; absent: none, or nobody noted them. */
  deniedCalls?: DeniedCall[];
  /** For how long the model's API wants to be left alone. */
  retryAfterSeconds?: number;
  /** MCP servers that did not start. */
  failedServers?: string[];
  /** What of the structured output does not fit its schema. */
  outputFaults?: Fault[];
  /** What became of the checks; absent: there are none, or nothing is known of them. */
  checks?: CheckResult[];
  /** How often the agent worked, if more than once. */
  rounds?: number;
  /** What is missing among the files that the run wants kept. */
  artifactGaps?: ArtifactGaps;
}

const STOPPED: Record<NonNullable<AgentFacts["stoppedBy"]>, Outcome | null> = {
  cancel: "cancelled",
  deadline: "timed_out",
  idle: "idle",
  memory: "out_of_memory",
  processes: "too_many_processes",
  disk: "out_of_disk",
  terminated: "terminated",
  // Nobody reads it: the manifest is there already.
  superseded: "terminated",
  unauthorized: "model_unauthorized",
  // It had given its result and only failed to exit: the result counts.
  lingered: null,
};

const STOP_MESSAGES: Record<string, string> = {
  cancelled: "The run was cancelled while the agent worked.",
  timed_out: "The agent was still working when its time was over.",
  idle: "The agent said nothing for too long and was stopped.",
  out_of_memory: "The agent used more memory than it may.",
  too_many_processes: "The agent had more processes and threads than it may.",
  out_of_disk: "The agent wrote more than it may, or all that its machine's disk had room for.",
  terminated: "The build was ended from outside while the agent worked.",
  model_unauthorized: "The model's API refuses the key.",
};

/**
 * Computes the verdict from what the runner saw. An exit code of 0 and `subtype: "success"` prove
 * nothing: the agent's command line gives both for runs in which every tool was denied, nothing was
 * done or the asked-for output is missing.
 *
 * @param omitted what of the workspace is not kept: a success that leaves something out says so
 */
export function verdict(facts: AgentFacts, omitted?: Omissions): Verdict {
  const deniedTools = deniedToolsOf(facts);
  const judgement = withLeft(judge(facts, deniedTools), facts);
  const [outcome, said] = withChecks(withOmissions(judgement, omitted), facts);
  const isOwners = outcome === "budget_exhausted" && facts.spending?.isOwners === true;
  const { failedServers = [] } = facts;
  const message = withGaps(
    withoutServers(isOwners ? OWNERS_DAY : said, failedServers),
    facts.artifactGaps,
  );
  return {
    outcome,
    message: truncateUtf8(message, RUN_LIMITS.messageBytes),
    deniedTools: deniedTools.slice(0, RUN_LIMITS.deniedTools),
    ...(facts.deniedCalls?.length && {
      deniedCalls: takeWithin(facts.deniedCalls, RUN_LIMITS.deniedCallsBytes),
    }),
    ...(failedServers.length > 0 && { failedServers }),
    ...(outcome === "model_overloaded" &&
      facts.retryAfterSeconds !== undefined && { retryAfterSeconds: facts.retryAfterSeconds }),
    ...(facts.checks && { checks: checkResults(facts.checks) }),
    ...(facts.rounds !== undefined && { rounds: facts.rounds }),
    ...(facts.artifactGaps && { artifactGaps: facts.artifactGaps }),
    ...(outcome === "output_schema_unmet" && { outputFaults: outputFaultsOf(facts) }),
  };
}

const OWNERS_DAY = "The agent spent what was left of its owner's budget of the day.";

/** What was ended while it was at work, in whichever way the agent itself ended. */
function withLeft([outcome, message]: Judgement, facts: AgentFacts): Judgement {
  const ended = endedOf(facts);
  if (ended.length === 0 || outcome === "background_ended") return [outcome, message];
  const sentences = ended.map((text) => ` ${text[0]?.toUpperCase()}${text.slice(1)}.`);
  return [outcome, message + sentences.join("")];
}

function withOmissions([outcome, message]: Judgement, omitted: Omissions | undefined): Judgement {
  const { files = [], moreFiles: more = 0 } = omitted ?? {};
  if (OUTCOMES[outcome].status !== "succeeded" || files.length === 0) return [outcome, message];
  const names = named(files, { causes: OMISSION_CAUSES, more });
  const other = outcome === "succeeded" ? "" : ` ${message}`;
  return ["succeeded_with_omissions", `Done, but not kept: ${names}.${other}`];
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

function judge(facts: AgentFacts, deniedTools: string[]): Judgement {
  return judgeStop(facts) ?? judgeStart(facts) ?? judgeWork(facts, deniedTools);
}

function judgeStop(facts: AgentFacts): Judgement | undefined {
  const { stoppedBy, failedStep, error, modelFault, turns } = facts;
  if (stoppedBy === null) return undefined;
  const waited = stoppedBy === "deadline" || stoppedBy === "idle";
  // It had no turn, and its time went by with tries to reach the model.
  if (waited && modelFault !== undefined && turns === 0) return ["model_unreachable", modelFault];
  const stopped = STOPPED[stoppedBy];
  // Of a step before the agent, its own sentence says more.
  const said = failedStep === null ? null : error;
  return stopped === null ? undefined : [stopped, said ?? STOP_MESSAGES[stopped] ?? stopped];
}

function judgeStart(facts: AgentFacts): Judgement | undefined {
  const { error, failedStep } = facts;
  if (facts.isDiskFull && isWithoutIts(facts)) {
    return ["out_of_disk", `The machine's disk is full. ${error ?? ""}`.trim()];
  }
  if (failedStep !== null) {
    return [STEP_OUTCOMES[failedStep], error ?? `The ${failedStep} failed.`];
  }
  if (facts.spending?.isExhausted && !isDone(facts.result)) return SUBTYPES.error_max_budget_usd;
  if (facts.started) return undefined;
  if (facts.isStorageAway && error !== null) return ["storage_unavailable", error];
  return ["agent_not_started", error ?? "The agent could not be started."];
}

function judgeWork(facts: AgentFacts, deniedTools: string[]): Judgement {
  if (facts.result === null) return judgeSilence(facts);
  if (facts.contradiction !== undefined) return ["result_contradicted", facts.contradiction];
  if (isFailed(facts.result)) return judgeFailure(facts.result, facts.modelFault);
  return judgeSuccess(facts, facts.result, deniedTools);
}

/** Something is missing that a disk with room would have had. */
const isWithoutIts = ({ error, result }: AgentFacts): boolean => error !== null || result === null;

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

const isDone = (result: ResultLine | null): boolean => result !== null && !isFailed(result);

function isFailed(result: ResultLine): boolean {
  return result.is_error === true || (result.subtype ?? "success") !== "success";
}

const SUBTYPES = {
  error_max_turns: ["max_turns", "The agent reached its maximum number of turns."],
  error_max_budget_usd: ["budget_exhausted", "The agent reached its spending cap."],
  error_max_structured_output_retries: [
    "output_schema_unmet",
    "No answer of the model satisfied the output schema.",
  ],
} as const satisfies Record<string, Judgement>;

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

function judgeFailure(result: ResultLine, modelFault: string | undefined): Judgement {
  const bySubtype = new Map<string, Judgement>(Object.entries(SUBTYPES)).get(result.subtype ?? "");
  if (bySubtype) return bySubtype;
  const byStop = STOP_REASONS[result.stop_reason ?? ""];
  if (byStop) return byStop;
  const text = result.result ?? result.errors?.[0] ?? "The agent reported an error.";
  const byReason = TERMINAL_REASONS[result.terminal_reason ?? ""];
  if (byReason) return [byReason, text];
  if (result.terminal_reason === "api_error") {
    // To the agent it looks like an answer of the API, from an address that is the runner's own.
    if (modelFault !== undefined) return ["model_unreachable", modelFault];
    return [judgeApiError(result.api_error_status), text];
  }
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
  const ended = endedOf(facts);
  if (ended.length === 0) return ["succeeded", "Done."];
  return ["background_ended", `Done, but ${ended.join("; and ")}.`];
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
