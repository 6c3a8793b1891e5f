import type { OutputSchema } from "../../../../shared/agent/output-schema.ts";
import {
  type AgentFacts,
  MANIFEST_LIMITS,
  ResultLine,
} from "../../../../shared/documents/manifest.ts";
import { validatorOf } from "../../../../shared/schema/validate.ts";
import { cutText } from "../../../../shared/text.ts";
import type { Passed } from "../../model/passed.ts";
import type { AgentRun } from "./agent-run.ts";
import { callsOf } from "./calls.ts";
import { checkOutput } from "./output-check.ts";

const fieldChecks = new Map(
  Object.entries(ResultLine.properties).map(([name, schema]) => [name, validatorOf(schema)]),
);
const MAX_OTHER_BYTES = 2 * 1024;
const MAX_OTHERS = 50;
const MAX_ERRORS = 20;
const MAX_MODELS = 50;

/** The facts of a run whose agent never started. */
export function factsWithoutAgent(
  reason: Partial<Pick<AgentFacts, "error" | "stoppedBy" | "failedStep">>,
  wantsStructuredOutput: boolean,
): AgentFacts {
  return {
    started: false,
    error: null,
    failedStep: null,
    exitCode: null,
    signal: null,
    stoppedBy: null,
    result: null,
    toolCalls: 0,
    toolErrors: 0,
    deniedTools: [],
    turns: 0,
    lastText: "",
    stderrTail: "",
    wantsStructuredOutput,
    outputFaults: null,
    ...reason,
  };
}

/**
 * The facts of an agent's run, within the manifest's bounds, held against what passed the model's
 * proxy.
 */
export async function factsOf(
  run: AgentRun,
  {
    outputSchema,
    servers,
    passed,
  }: {
    outputSchema: OutputSchema | undefined;
    /** Names of the MCP servers that the agent was to have. */
    servers: readonly string[];
    passed: Passed;
  },
): Promise<AgentFacts> {
  const { seen, end } = run;
  const result = seen.isResultCut ? withoutLongTexts(seen.result, passed) : seen.result;
  // Of a text that was cut only the beginning is known, so it is not held against anything; nor is
  // it shown.
  const held = seen.isResultCut ? { ...result, result: "" } : result;
  const contradiction = held && contradictionOf(held, passed);
  const { denials, ...calls } = callsOf(seen, passed, MANIFEST_LIMITS.deniedTools);
  const isSaid = passed.hasSaid(seen.lastText);
  const started = !("error" in end);
  return {
    started,
    error: started ? null : end.error,
    failedStep: null,
    exitCode: started ? end.exitCode : null,
    signal: started ? end.signal : null,
    stoppedBy: run.stoppedBy,
    result: result === undefined ? null : boundedResult({ ...result, permission_denials: denials }),
    ...calls,
    ...(seen.background.length > 0 && { background: seen.background }),
    ...(run.left !== undefined && { leftProcesses: run.left }),
    failedServers: servers.filter((name) => seen.failedServers?.includes(name)),
    turns: Math.min(seen.turns, passed.answers),
    ...(contradiction !== undefined && { contradiction }),
    lastText: cutText(
      isSaid && contradiction === undefined ? seen.lastText : passed.lastWords,
      MANIFEST_LIMITS.textBytes,
    ),
    stderrTail: run.stderrTail,
    wantsStructuredOutput: outputSchema !== undefined,
    outputFaults: await outputFaultsOf(result, outputSchema),
  };
}

/** A result line whose texts are not whole: the answer is what the proxy knows of it. */
function withoutLongTexts(line: Readonly<Record<string, unknown>> | undefined, passed: Passed) {
  if (line === undefined) return undefined;
  const { structured_output, ...rest } = line;
  return {
    ...rest,
    ...(typeof rest["result"] === "string" && { result: passed.lastWords }),
    ...(structured_output !== undefined && { structured_output_omitted: true }),
  };
}

/** The facts of an agent that is at work: what is known without its own account. */
export function factsSoFar(passed: Passed, wantsStructuredOutput: boolean): AgentFacts {
  return {
    ...factsWithoutAgent({}, wantsStructuredOutput),
    started: true,
    toolCalls: passed.toolCalls,
    turns: passed.answers,
    lastText: cutText(passed.lastWords, MANIFEST_LIMITS.textBytes),
  };
}

/**
 * What a result line says that never passed between the agent and its model: the line comes over a
 * pipe that everything the agent starts can write to.
 */
function contradictionOf(
  line: Readonly<Record<string, unknown>>,
  passed: Passed,
): string | undefined {
  if (line["is_error"] === true || (line["subtype"] ?? "success") !== "success") {
    return contradictionOfFailure(line, passed);
  }
  const { result, structured_output } = line;
  if (structured_output !== undefined) {
    return passed.hasCalledWith(structured_output)
      ? undefined
      : "The agent's result has an output that the model never gave.";
  }
  if (typeof result !== "string" || result.trim() === "" || passed.hasSaid(result))
    return undefined;
  return "The agent's result has an answer that the model never gave.";
}

/**
 * Of a failure the words are the command line's, but what it lays on the API must have come from
 * there.
 */
function contradictionOfFailure(
  { terminal_reason, stop_reason, api_error_status }: Readonly<Record<string, unknown>>,
  { answers, errors, stopReasons }: Passed,
): string | undefined {
  if (stop_reason === "refusal" || stop_reason === "max_tokens") {
    return stopReasons.has(stop_reason)
      ? undefined
      : `The agent's result has an answer that ended by ${stop_reason}, which none did.`;
  }
  if (terminal_reason !== "api_error") return undefined;
  const isKnown =
    typeof api_error_status === "number"
      ? errors.has(api_error_status)
      : errors.size > 0 || answers === 0;
  return isKnown ? undefined : "The agent's result has an error that the model's API never gave.";
}

async function outputFaultsOf(
  result: Readonly<Record<string, unknown>> | undefined,
  schema: OutputSchema | undefined,
): Promise<AgentFacts["outputFaults"]> {
  const output = result?.["structured_output"];
  return schema === undefined || output === undefined ? null : checkOutput(schema, output);
}

/**
 * A result line that fits into the manifest: long texts are cut, a structured output that is too
 * long is left out (`structured_output_omitted: true` says so), and so is what is not of its type.
 */
export function boundedResult(line: Readonly<Record<string, unknown>>): ResultLine {
  const known: [string, unknown][] = [];
  const others: [string, unknown][] = [];
  for (const [name, value] of Object.entries(line)) {
    const check = fieldChecks.get(name);
    if (check === undefined) {
      if (jsonBytes(value) <= MAX_OTHER_BYTES) others.push([name.slice(0, 100), value]);
    } else if (check(value).ok) known.push(...boundedField(name, value));
  }
  return Object.fromEntries([...known, ...others.slice(0, MAX_OTHERS)]);
}

const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? "");

function boundedField(name: string, value: unknown): [string, unknown][] {
  switch (name) {
    case "structured_output":
      return jsonBytes(value) <= MANIFEST_LIMITS.textBytes
        ? [[name, value]]
        : [["structured_output_omitted", true]];
    case "errors":
      return [[name, (value as string[]).slice(0, MAX_ERRORS).map((text) => cutText(text, 2048))]];
    case "permission_denials":
      return [[name, boundedDenials(value as { tool_name?: string }[])]];
    case "modelUsage":
      return [[name, boundedUsage(value as Record<string, object>)]];
    default:
      return [
        [name, typeof value === "string" ? cutText(value, MANIFEST_LIMITS.textBytes) : value],
      ];
  }
}

/** The tools' inputs stay out: they are in the events. */
const boundedDenials = (denials: readonly { tool_name?: string }[]) =>
  denials
    .slice(0, MANIFEST_LIMITS.deniedTools)
    .map(({ tool_name }) =>
      tool_name === undefined ? {} : { tool_name: cutText(tool_name, 200) },
    );

const boundedUsage = (usage: Record<string, object>) =>
  Object.fromEntries(
    Object.entries(usage)
      .slice(0, MAX_MODELS)
      .filter(([model, counts]) => model.length <= 200 && jsonBytes(counts) <= MAX_OTHER_BYTES),
  );
