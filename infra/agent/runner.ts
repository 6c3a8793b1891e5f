import type { Clock } from "../../shared/clock.ts";
import { type AttemptPaths, pathsUnder } from "../../shared/documents/attempt.ts";
import type { AgentFacts, BuildManifest } from "../../shared/documents/manifest.ts";
import { type AgentWork, workWithAgent } from "./agent-work.ts";
import { takeClaim } from "./attempt/claim.ts";
import { type Input, takeInput } from "./attempt/input.ts";
import { putManifest } from "./attempt/manifest.ts";
import type { Objects } from "./attempt/objects.ts";
import { type Uploaded, uploadOutcome } from "./attempt/upload.ts";
import { type Isolation, makeFolders, removeFolders } from "./sandbox/place.ts";
import { type Hiding, hiding } from "./secrets.ts";
import type { RepositoryAccess } from "./workspace/checkout.ts";

/** What the runner gets from its surroundings. */
export interface RunnerOptions {
  /** Where the input files are; see `INPUT_FILES`. */
  inputFolder: string;
  /** Where private folders may be made. */
  temporaryFolder: string;
  buildId: string;
  apiKey: string;
  apiBaseUrl: string;
  /** Variables of the agent and its setup commands. Their values are secrets. */
  environment: Readonly<Record<string, string>>;
  isolation: Isolation;
  /** Memory that the agent's processes may use together, in bytes. */
  memoryBytes: number;
  /** In the form of `PATH`: where git, bwrap and prlimit are found. */
  path: string;
  /** Variables that an unconfined agent and all that it starts carry on. */
  inherited: Readonly<Record<string, string>>;
  repositories: RepositoryAccess;
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
  const hidden = hiding([
    options.apiKey,
    attempt.progress.token,
    attempt.prefix.split("/").at(-2) ?? "",
    ...Object.values(options.environment),
  ]);
  const log = (line: string): void => options.log(hidden.text(line));
  const objects = options.objectsIn(attempt.bucket);
  const paths = pathsUnder(attempt.prefix);
  const claimant = await takeClaim(objects, paths.claim, options.buildId);
  if (claimant !== undefined) return log(`superseded: the attempt belongs to ${claimant}`);
  log(`claimed attempt ${attempt.attempt} of ${attempt.runId} for build ${options.buildId}`);
  const startedAt = new Date(options.clock.now()).toISOString();
  const done = await workAndUpload({ ...options, hiding: hidden, log, input, objects, paths });
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

interface Attempt extends RunnerOptions {
  input: Input;
  hiding: Hiding;
  objects: Objects;
  paths: AttemptPaths;
}

async function workAndUpload(attempt: Attempt): Promise<Uploaded> {
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
    return await uploadOutcome({ ...attempt, folders, prefix: paths.outputs }, outcome);
  } finally {
    await removeFolders(folders);
  }
}

function describe(facts: AgentFacts): string {
  if (!facts.started) {
    // The error may quote the request, which stays out of the log.
    if (facts.failedStep) return `the agent did not start: its ${facts.failedStep} failed`;
    return facts.error ? `the agent did not start: ${facts.error}` : "the agent did not start";
  }
  const how = facts.signal ? `by ${facts.signal}` : `with exit code ${facts.exitCode}`;
  const why = facts.stoppedBy ? `, stopped by ${facts.stoppedBy}` : "";
  return `the agent ended ${how} after ${facts.turns} turns${why}`;
}
