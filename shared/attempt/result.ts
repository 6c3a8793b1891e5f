import type { BuildManifest, Output, ResultLine } from "../documents/manifest.ts";
import type { Omissions } from "../documents/omissions.ts";
import type { Artifact, Usage } from "../documents/run.ts";
import type { Session } from "../documents/session.ts";
import { RUN_LIMITS } from "../limits.ts";
import { takeWithin, truncateUtf8, utf8Length } from "../text.ts";
import type { Settlement } from "./settlement.ts";

/**
 * What a finished run's document shows of its manifest, cut to what a document may hold. `restore`
 * is the session that the run began with.
 */
export function resultOf(
  manifest: BuildManifest,
  uriOf: (object: string) => string,
  restore: Session | null,
): NonNullable<Settlement["result"]> {
  const { origin = null, remark = "" } = manifest.session ?? {};
  return {
    conversation: { session: origin, remark },
    output: outputOf(manifest),
    changes: manifest.changes ?? null,
    usage: usageOf(manifest, origin === "restored" ? restore : null),
    artifacts: takeWithin(
      manifest.outputs.map((output) => artifactOf(output, uriOf(output.object))),
      RUN_LIMITS.artifactsBytes,
    ),
    isolation: manifest.isolation,
  };
}

/** An output as its owner sees it. */
export function artifactOf(output: Output, uri: string): Artifact {
  const { name, contentType, sizeBytes, sha256 } = output;
  return { name, uri, contentType, sizeBytes, sha256 };
}

/** What the agent said at its end. */
function answerOf({ contradiction, lastText, modelFault, result }: BuildManifest["facts"]): string {
  if (contradiction !== undefined) return lastText;
  // Its command line would name the runner's own proxy; the error names the API.
  if (modelFault !== undefined && result?.terminal_reason === "api_error") return lastText;
  return result?.result ?? lastText;
}

function outputOf({ facts, changedFiles, moreChangedFiles, omitted }: BuildManifest) {
  const whole = answerOf(facts);
  const text = truncateUtf8(whole, RUN_LIMITS.outputTextBytes);
  const json = facts.contradiction === undefined ? structuredJson(facts.result) : null;
  const fits = json === null || utf8Length(json) <= RUN_LIMITS.outputTextBytes;
  const shown = takeWithin(changedFiles, RUN_LIMITS.changedFilesBytes);
  return {
    text,
    structured: fits ? json : null,
    truncated: text !== whole || !fits,
    changedFiles: shown,
    moreChangedFiles: moreChangedFiles + changedFiles.length - shown.length,
    omitted: omittedOf(omitted),
  };
}

function omittedOf({ files, moreFiles, ignoredFiles }: Omissions = NOTHING_OMITTED): Omissions {
  const shown = takeWithin(files, RUN_LIMITS.omissionsBytes);
  return { files: shown, moreFiles: moreFiles + files.length - shown.length, ignoredFiles };
}

const NOTHING_OMITTED: Omissions = { files: [], moreFiles: 0, ignoredFiles: 0 };

function structuredJson(result: ResultLine | null): string | null {
  return result?.structured_output === undefined ? null : JSON.stringify(result.structured_output);
}

/**
 * What an agent's command line counts in a session: tokens of every model, not of the main loop
 * alone.
 */
function totalsOf({ facts }: Pick<BuildManifest, "facts">) {
  const models = Object.values(facts.result?.modelUsage ?? {});
  const sum = (count: (model: (typeof models)[number]) => number) =>
    Math.round(models.reduce((total, model) => total + count(model), 0));
  return {
    costUsd: facts.result?.total_cost_usd ?? 0,
    inputTokens: sum(
      (m) =>
        (m.inputTokens ?? 0) + (m.cacheReadInputTokens ?? 0) + (m.cacheCreationInputTokens ?? 0),
    ),
    outputTokens: sum((m) => m.outputTokens ?? 0),
  };
}

/**
 * What an attempt used, as its runner counted it. A manifest of before has the command line's word
 * for it: a restored session's totals go on from those of the turn before in some versions of
 * Claude Code and begin at 0 in others: a total that is not below the old one went on.
 */
function usageOf(manifest: BuildManifest, restored: Session | null): Usage {
  const { facts } = manifest;
  if (facts.spending !== undefined) {
    const { costUsd, inputTokens, outputTokens } = facts.spending;
    return { costUsd, inputTokens, outputTokens, turns: facts.turns, incomplete: false };
  }
  const turns = facts.result?.num_turns ?? facts.turns;
  if (facts.result === null && facts.started) {
    return { costUsd: null, inputTokens: null, outputTokens: null, turns, incomplete: true };
  }
  const totals = totalsOf(manifest);
  const since = (total: number, before = 0): number => (total >= before ? total - before : total);
  return {
    costUsd: since(totals.costUsd, restored?.totalCostUsd),
    inputTokens: since(totals.inputTokens, restored?.totalInputTokens),
    outputTokens: since(totals.outputTokens, restored?.totalOutputTokens),
    turns,
    incomplete: false,
  };
}

/**
 * What an attempt leaves for the next one, or for the next turn; null if the files of its session
 * are not among its outputs, which is so whenever the agent never started.
 *
 * `before` is what the run itself was given to restore: a run that was killed has no totals, and
 * the next one goes on from those before it.
 */
export function sessionOf(
  manifest: BuildManifest,
  bucket: string,
  before: Session | null = null,
): Session | null {
  const { session, outputs } = manifest;
  if (session === null) return null;
  const files = outputs.filter(({ name }) => name.startsWith("session/"));
  if (!files.some(({ name }) => name === `session/${session.id}.jsonl`)) return null;
  const named = (wanted: string) => outputs.find(({ name }) => name === wanted);
  const isCounted = manifest.facts.result !== null || session.origin !== "restored";
  const totals = totalsOf(manifest);
  return {
    runId: manifest.runId,
    bucket,
    sessionId: session.id,
    engine: manifest.agent,
    files,
    workspace: named("workspace.diff") ?? named("patch.diff") ?? null,
    commit: session.commit,
    ...(session.commits && { commits: session.commits }),
    totalCostUsd: isCounted ? totals.costUsd : (before?.totalCostUsd ?? 0),
    totalInputTokens: isCounted ? totals.inputTokens : (before?.totalInputTokens ?? 0),
    totalOutputTokens: isCounted ? totals.outputTokens : (before?.totalOutputTokens ?? 0),
    instructionsHash: session.instructionsHash,
  };
}
