import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type AttemptPaths, pathsUnder } from "../../shared/attempt.ts";
import {
  type AgentFacts,
  type BuildManifest,
  MANIFEST_LIMITS,
  type Output,
} from "../../shared/manifest.ts";
import { type AgentOutcome, type AgentWork, workWithAgent } from "./agent-work.ts";
import { takeClaim } from "./claim.ts";
import type { Clock } from "./clock.ts";
import { type Input, takeInput } from "./input.ts";
import { putManifest } from "./manifest.ts";
import type { Objects } from "./objects.ts";
import { collectSession, outputFile, type Prepared, uploadOutputs } from "./outputs.ts";
import { type Changes, writePatch } from "./patch.ts";
import { type Folders, type Isolation, makeFolders, removeFolders } from "./place.ts";
import { messageOf, oneLine } from "./text.ts";

/** What the runner gets from its surroundings. */
export interface RunnerOptions {
  /** Where the input files are; see `INPUT_FILES`. */
  inputFolder: string;
  /** Where private folders may be made. */
  temporaryFolder: string;
  buildId: string;
  apiKey: string;
  apiBaseUrl: string;
  isolation: Isolation;
  /** Memory that the agent's processes may use together, in bytes. */
  memoryBytes: number;
  /** In the form of `PATH`: where git, bwrap and prlimit are found. */
  path: string;
  /** Variables that an unconfined agent and all that it starts carry on. */
  inherited: Readonly<Record<string, string>>;
  objectsIn(bucket: string): Objects;
  /** Aborted when the build is being ended from outside. */
  terminated: AbortSignal;
  clock: Clock;
  /** Takes one line without its end. */
  log(line: string): void;
}

/**
 * Executes the attempt that lies in `inputFolder`: claims it, lets the agent work, uploads what came out,
 * and writes the manifest, whatever happened to the agent.
 *
 * Returns when the attempt has a manifest, or belongs to somebody else.
 *
 * @throws if the input cannot be read, or the storage takes no claim or no manifest.
 */
export async function runAttempt(options: RunnerOptions): Promise<void> {
  const input = await takeInput(options.inputFolder);
  const { attempt } = input;
  const log = withoutSecrets(options.log, [
    options.apiKey,
    attempt.progress.token,
    attempt.prefix.split("/").at(-2) ?? "",
  ]);
  const objects = options.objectsIn(attempt.bucket);
  const paths = pathsUnder(attempt.prefix);
  const claimant = await takeClaim(objects, paths.claim, options.buildId);
  if (claimant !== undefined) return log(`superseded: the attempt belongs to ${claimant}`);
  log(`claimed attempt ${attempt.attempt} of ${attempt.runId} for build ${options.buildId}`);
  const startedAt = new Date(options.clock.now()).toISOString();
  const done = await workAndUpload({ ...options, log, input, objects, paths });
  const manifest: BuildManifest = {
    schemaVersion: 1,
    by: "build",
    runId: attempt.runId,
    attempt: attempt.attempt,
    buildId: options.buildId,
    isolation: options.isolation,
    startedAt,
    endedAt: new Date(options.clock.now()).toISOString(),
    ...done,
  };
  const first = await putManifest(objects, paths.manifest, manifest);
  log(first === undefined ? "done" : `superseded: the result was decided by ${first}`);
}

type Done = Pick<
  BuildManifest,
  "agent" | "facts" | "outputs" | "changedFiles" | "moreChangedFiles"
>;

interface Attempt extends RunnerOptions {
  input: Input;
  objects: Objects;
  paths: AttemptPaths;
}

async function workAndUpload(attempt: Attempt): Promise<Done> {
  const folders = await makeFolders(attempt.temporaryFolder);
  try {
    const { objects, paths } = attempt;
    const work: AgentWork = {
      ...attempt,
      folders,
      isCancelled: () => objects.exists(paths.cancel),
    };
    const outcome = await workWithAgent(work);
    attempt.log(describe(outcome.facts));
    return await upload(attempt, folders, outcome);
  } finally {
    await removeFolders(folders);
  }
}

function describe(facts: AgentFacts): string {
  if (!facts.started) {
    return facts.error ? `the agent did not start: ${facts.error}` : "the agent did not start";
  }
  const how = facts.signal ? `by ${facts.signal}` : `with exit code ${facts.exitCode}`;
  const why = facts.stoppedBy ? `, stopped by ${facts.stoppedBy}` : "";
  return `the agent ended ${how} after ${facts.turns} turns${why}`;
}

/** Uploads what there is. A problem does not stop the rest; it is told in the facts. */
async function upload(
  { input, objects, paths, path, log }: Attempt,
  folders: Folders,
  { facts, agent, result, baseline, hasEvents }: AgentOutcome,
): Promise<Done> {
  const problems: string[] = [];
  const attempt = async <T>(what: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      problems.push(`${what}: ${messageOf(error)}`);
      return undefined;
    }
  };
  const files: Prepared[] = [];
  const fileFor = (name: string) => outputFile(name, join(folders.outputs, name));
  if (hasEvents) files.push(fileFor("events.jsonl"));
  const changes =
    baseline && (await attempt("patch.diff", () => patchOf({ baseline, folders, path })));
  if (changes) files.push(fileFor("patch.diff"));
  for (const note of changes?.notes ?? []) log(note);
  const { sessionId } = input.attempt;
  const session = await attempt("session", () =>
    collectSession(folders.home, sessionId, folders.outputs),
  );
  files.push(...(session?.files ?? []));
  if (session?.omitted) log(`${session.omitted} files of the session are left out`);
  const { outputs, failures } = await uploadOutputs(objects, paths.outputs, files);
  const all = [...problems, ...failures];
  const final = all.length === 0 ? facts : { ...facts, error: facts.error ?? lost(all) };
  for (const problem of all) log(`not uploaded: ${problem}`);
  const resultFile = fileFor("result.json");
  await writeFile(resultFile.path, JSON.stringify({ result: result ?? null, facts: final }));
  const last = await uploadOutputs(objects, paths.outputs, [resultFile]);
  const uploaded: Output[] = [...last.outputs, ...outputs];
  log(`uploaded ${uploaded.length} outputs, ${sum(uploaded)} bytes`);
  return {
    agent,
    facts:
      last.failures.length > 0 ? { ...final, error: final.error ?? lost(last.failures) } : final,
    outputs: uploaded,
    changedFiles: changes?.files ?? [],
    moreChangedFiles: changes?.moreFiles ?? 0,
  };
}

const lost = (problems: readonly string[]): string =>
  `Outputs are missing: ${oneLine(problems.join("; "), 500)}`;

const sum = (outputs: readonly Output[]): number =>
  outputs.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);

interface PatchOf {
  baseline: NonNullable<AgentOutcome["baseline"]>;
  folders: Folders;
  path: string;
}

const patchOf = ({ baseline, folders, path }: PatchOf): Promise<Changes> => {
  const patchFile = join(folders.outputs, "patch.diff");
  return writePatch(baseline, { patchFile, maxFiles: MANIFEST_LIMITS.changedFiles }, path);
};

/** A log that never shows one of `secrets`. */
function withoutSecrets(
  log: (line: string) => void,
  secrets: readonly string[],
): (line: string) => void {
  const hidden = secrets.filter((secret) => secret.length > 0);
  return (line) => log(hidden.reduce((text, secret) => text.replaceAll(secret, "***"), line));
}
