import { resultOf } from "../../../shared/attempt/result.ts";
import { verdict } from "../../../shared/attempt/verdict.ts";
import {
  type AgentFacts,
  type BuildManifest,
  MANIFEST_LIMITS,
} from "../../../shared/documents/manifest.ts";
import type { Session } from "../../../shared/documents/session.ts";
import { RUN_LIMITS } from "../../../shared/limits.ts";
import { next } from "../../../shared/run/run.ts";
import { utf8Length } from "../../../shared/text.ts";
import { at, makeRunsInEveryPhase, settled } from "../../support/make-run.ts";

const FACTS: AgentFacts = {
  started: true,
  error: null,
  failedStep: null,
  exitCode: 0,
  signal: null,
  stoppedBy: null,
  result: { subtype: "success", is_error: false, result: "Done so.", num_turns: 3 },
  toolCalls: 1,
  toolErrors: 0,
  deniedTools: [],
  turns: 2,
  lastText: "Last words.",
  stderrTail: "",
  wantsStructuredOutput: false,
  outputFaults: null,
};

function manifest(facts: Partial<AgentFacts>, rest: Partial<BuildManifest> = {}): BuildManifest {
  return {
    schemaVersion: 1,
    by: "build",
    runId: "run",
    attempt: 1,
    buildId: "b",
    agent: { name: "claude-code", version: "2" },
    isolation: "bubblewrap",
    startedAt: "2026-01-01T00:00:00Z",
    endedAt: "2026-01-01T00:00:01Z",
    facts: { ...FACTS, ...facts },
    session: null,
    outputs: [],
    changedFiles: [],
    moreChangedFiles: 0,
    ...rest,
  };
}

const result = (...args: Parameters<typeof manifest>) =>
  resultOf(manifest(...args), (object) => `gs://b/${object}`, null);

test("usage adds up every model, cached tokens included", () => {
  const modelUsage = {
    large: {
      inputTokens: 1,
      cacheReadInputTokens: 20,
      cacheCreationInputTokens: 300,
      outputTokens: 4,
    },
    small: { inputTokens: 5000, outputTokens: 6 },
  };
  const { usage } = result({ result: { total_cost_usd: 0.25, num_turns: 7, modelUsage } });
  expect(usage).toEqual({
    costUsd: 0.25,
    inputTokens: 5321,
    outputTokens: 10,
    turns: 7,
    incomplete: false,
  });
});

test.each([-5, 0, 9_999_999])(
  "a result line that counts %d turns is not what counts them",
  (num_turns) => {
    const spending = { costUsd: 1, earlierUsd: 0.5, inputTokens: 3, outputTokens: 4 };
    const { usage } = result({
      result: { total_cost_usd: -1, num_turns, modelUsage: {} },
      spending: { ...spending, isExhausted: false },
    });
    expect(usage).toEqual({
      costUsd: 1,
      inputTokens: 3,
      outputTokens: 4,
      turns: 2,
      incomplete: false,
    });
  },
);

describe("a run that went on from an earlier session", () => {
  const restore = { totalCostUsd: 0.5, totalInputTokens: 100, totalOutputTokens: 10 } as Session;
  const session = { id: "s", remark: "", commit: null, instructionsHash: "" };
  const usageOf = (origin: "restored" | "lost", [cost, tokens]: readonly [number, number]) => {
    const modelUsage = { m: { inputTokens: tokens, outputTokens: 11 } };
    const facts = { result: { total_cost_usd: cost, num_turns: 1, modelUsage } };
    const left = manifest(facts, { session: { ...session, origin } });
    return resultOf(left, (object) => object, restore).usage;
  };

  test("is charged the difference when the totals went on", () => {
    const usage = {
      costUsd: 0.25,
      inputTokens: 50,
      outputTokens: 1,
      turns: 1,
      incomplete: false,
    };
    expect(usageOf("restored", [0.75, 150])).toEqual(usage);
  });

  test("is charged its totals when they began anew", () => {
    expect(usageOf("restored", [0.25, 50])).toMatchObject({ costUsd: 0.25, inputTokens: 50 });
  });

  test("is charged its totals when the session was lost", () => {
    expect(usageOf("lost", [0.75, 150])).toMatchObject({ costUsd: 0.75, inputTokens: 150 });
  });
});

test("without a result line the last words are the answer and nothing is known of the cost", () => {
  const { output, usage } = result({ result: null });
  expect(output?.text).toBe("Last words.");
  expect(usage).toEqual({
    costUsd: null,
    inputTokens: null,
    outputTokens: null,
    turns: 2,
    incomplete: true,
  });
});

test("an answer that is too long is cut and says so; a structured output is left out whole", () => {
  const long = "é".repeat(RUN_LIMITS.outputTextBytes);
  const { output } = result({ result: { result: long, structured_output: [long] } });
  expect(output).toMatchObject({ truncated: true, structured: null });
  expect(utf8Length(output?.text ?? "")).toBe(RUN_LIMITS.outputTextBytes);
  const { output: short } = result({ result: { result: "a", structured_output: [[1]] } });
  expect(short).toMatchObject({ truncated: false, structured: "[[1]]" });
});

test("the largest possible run stays within what a document may hold", () => {
  const wide = "\u{1f4be}".repeat(1000);
  const text = "x".repeat(MANIFEST_LIMITS.textBytes);
  const facts: Partial<AgentFacts> = {
    lastText: text,
    deniedTools: Array.from({ length: 100 }, (_, index) => `${index}`.padEnd(200, "t")),
    toolErrors: 1,
    checks: Array.from({ length: RUN_LIMITS.checks }, (_, index) => ({
      name: `${index} `.padEnd(50, "n"),
      required: true,
      exitCode: 255,
      stoppedBy: null,
      ms: 1_000_000,
      output: wide,
      editedByAgent: true,
    })),
    result: { result: text, structured_output: "y".repeat(RUN_LIMITS.outputTextBytes - 2) },
  };
  const rest: Partial<BuildManifest> = {
    outputs: Array.from({ length: 1000 }, (_, index) => ({
      name: `session/${index}`,
      object: `attempts/run_0/1-n/outputs/session/${index}`,
      contentType: "text/plain",
      sizeBytes: 1,
      sha256: "0".repeat(64),
    })),
    changedFiles: Array.from({ length: 1000 }, (_, index) => ({
      path: `${index}/${wide}`.slice(0, index === 0 ? 50 : undefined),
      status: "added" as const,
      added: 1,
      removed: 0,
    })),
  };
  const left = {
    path: wide.slice(0, MANIFEST_LIMITS.omissionPathLength),
    why: "too_large" as const,
  };
  rest.omitted = {
    files: Array.from({ length: MANIFEST_LIMITS.omissions }, () => left),
    moreFiles: 3,
    ignoredFiles: 9,
  };
  const { running } = makeRunsInEveryPhase();
  const labels = Object.fromEntries(
    Array.from({ length: RUN_LIMITS.labels }, (_, index) => [
      `l${index}`.padEnd(RUN_LIMITS.labelKeyLength, "k"),
      "\u00e9".repeat(RUN_LIMITS.labelValueLength),
    ]),
  );
  const entry = { version: 1, status: "pending" as const, at: at(0), cause: "c".repeat(100) };
  const largest = {
    ...running,
    run: {
      ...running.run,
      labels,
      promptPreview: "\u{1f4be}".repeat(RUN_LIMITS.promptPreviewLength),
      history: Array.from({ length: RUN_LIMITS.historyEntries }, () => entry),
    },
  };
  const full = manifest(facts, rest);
  const shown = resultOf(full, (object) => `gs://b/${object}`, null);
  const settlement = { verdict: verdict(full.facts, full.omitted), result: shown };
  const ended = next(largest, settled("succeeded", { settlement }), at(1));
  if (!ended.changed) throw new Error(ended.reason);
  const { run } = ended.record;
  expect(run.output?.changedFiles).toHaveLength(2);
  expect(run.output?.moreChangedFiles).toBe(998);
  const { files = [], moreFiles = 0, ignoredFiles } = run.output?.omitted ?? {};
  expect([files.length > 1, files.length + moreFiles, ignoredFiles]).toEqual([true, 103, 9]);
  expect(run.artifacts.length).toBeGreaterThan(10);
  expect(utf8Length(JSON.stringify(run))).toBeLessThanOrEqual(64 * 1024);
});
