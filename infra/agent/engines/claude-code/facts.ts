import { type OutputSchema, outputFaults } from "../../../../shared/agent/output-schema.ts";
import {
  type AgentFacts,
  MANIFEST_LIMITS,
  ResultLine,
} from "../../../../shared/documents/manifest.ts";
import { validatorOf } from "../../../../shared/schema/validate.ts";
import { cutText } from "../../../../shared/text.ts";
import type { AgentRun } from "./agent-run.ts";

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

/** The facts of an agent's run, within the manifest's bounds. */
export function factsOf(run: AgentRun, outputSchema: OutputSchema | undefined): AgentFacts {
  const { seen, end } = run;
  const started = !("error" in end);
  return {
    started,
    error: started ? null : end.error,
    failedStep: null,
    exitCode: started ? end.exitCode : null,
    signal: started ? end.signal : null,
    stoppedBy: run.stoppedBy,
    result: seen.result === undefined ? null : boundedResult(seen.result),
    toolCalls: seen.toolCalls,
    toolErrors: seen.toolErrors,
    deniedTools: seen.deniedTools,
    turns: seen.turns,
    lastText: cutText(seen.lastText, MANIFEST_LIMITS.textBytes),
    stderrTail: run.stderrTail,
    wantsStructuredOutput: outputSchema !== undefined,
    outputFaults: outputFaultsOf(seen.result, outputSchema),
  };
}

function outputFaultsOf(
  result: Readonly<Record<string, unknown>> | undefined,
  schema: OutputSchema | undefined,
): AgentFacts["outputFaults"] {
  const output = result?.["structured_output"];
  return schema === undefined || output === undefined ? null : outputFaults(schema, output);
}

/**
 * A result line that fits into the manifest: long texts are cut, a structured output that is too long is
 * left out (`structured_output_omitted: true` says so), and so is what is not of its type.
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
