import { isDeepStrictEqual } from "node:util";
import { hiddenOf } from "../../shared/agent/credential.ts";
import { resolveAgent } from "../../shared/agent/settings.ts";
import type { Clock } from "../../shared/clock.ts";
import {
  type AttemptInput,
  type AttemptPaths,
  pathsUnder,
} from "../../shared/documents/attempt.ts";
import type { AgentFacts, BuildManifest } from "../../shared/documents/manifest.ts";
import { MIRROR_LIMITS } from "../../shared/documents/mirror.ts";
import { TIMING } from "../../shared/limits.ts";
import { customTimeOf, keptDays } from "../../shared/run/retention.ts";
import { type TraceContext, traceParts } from "../../shared/run/trace.ts";
import { counted } from "../../shared/text.ts";
import { noOutcomeYet } from "./agent-outcome.ts";
import { workWithAgent } from "./agent-work.ts";
import { takeClaim } from "./attempt/claim.ts";
import { type Input, takeInput } from "./attempt/input.ts";
import { putManifest } from "./attempt/manifest.ts";
import type { MirrorObjects } from "./attempt/mirror-objects.ts";
import type { CustomTimes, Objects } from "./attempt/objects.ts";
import { patientObjects } from "./attempt/patient-objects.ts";
import { type Supersession, watchForOthers } from "./attempt/superseded.ts";
import { type Uploaded, uploadOutcome, withoutOutputs } from "./attempt/upload.ts";
import { type ProgressReporter, STARTING, startProgress } from "./engines/progress.ts";
import type { Prices } from "./model/prices.ts";
import { type Phases, trackPhases } from "./phases.ts";
import type { RepositoryAccess } from "./repository/upstream.ts";
import { checkInRounds } from "./rounds.ts";
import { type Folders, type Isolation, makeFolders, removeFolders } from "./sandbox/place.ts";
import { type Hiding, hiding } from "./secrets.ts";
import type { AgentWork } from "./supervision.ts";
import { messageOf } from "./text.ts";
import type { Mirrors } from "./workspace/mirrors.ts";

/** What the runner gets from its surroundings. */
export interface RunnerOptions {
  /** Where the input files are; see `INPUT_FILES`. */
  inputFolder: string;
  /** Where private folders may be made. */
  temporaryFolder: string;
  buildId: string;
  /** Where in the run's trace its reports go on. Default: nowhere. */
  trace?: TraceContext | null;
  apiKey: string;
  apiBaseUrl: string;
  /** Of the models that agents may converse with; others are refused. */
  prices: Prices;
  /** Variables of the agent, its setup commands and its checks. Their values are secrets. */
  environment: Readonly<Record<string, string>>;
  isolation: Isolation;
  /**
   * The prompt that needs no isolation if the request says nothing else: one that executes no
   * command.
   */
  unconfinedPrompt?: string | undefined;
  /** Memory that the agent's processes may use together, in bytes. */
  memoryBytes: number;
  /** In the form of `PATH`: where git, bwrap and prlimit are found. */
  path: string;
  /** Variables that an unconfined agent and all that it starts carry on. */
  inherited: Readonly<Record<string, string>>;
  repositories: RepositoryAccess;
  objectsIn(bucket: string, customTimes: CustomTimes): Objects;
  /** Default: there are no mirrors. */
  mirrorsIn?(bucket: string): MirrorObjects;
  /** Aborted when the build is being ended from outside. */
  terminated: AbortSignal;
  clock: Clock;
  /** Takes one line without its end. */
  log(line: string): void;
}

const credentialsIn = ({ credential = "", credentials = [] }: RepositoryAccess): string[] => [
  credential,
  ...credentials,
];

/**
 * Executes the attempt that lies in `inputFolder`: claims it, lets the agent work, uploads what
 * came out, and writes the manifest, whatever happened to the agent.
 *
 * Returns when the attempt has a manifest, or belongs to somebody else.
 *
 * @throws if the input cannot be read, or the storage takes no claim or no manifest.
 */
export async function runAttempt(options: RunnerOptions): Promise<void> {
  const input = await takeInput(options.inputFolder);
  const { attempt } = input;
  const hidden = hiding(secretsOf(options, attempt));
  const log = (line: string): void => options.log(hidden.text(line));
  const objectsIn = (bucket: string): Objects =>
    options.objectsIn(bucket, customTimesOf(attempt, options.clock));
  const ofAttempt = objectsIn(attempt.bucket);
  const objects = patientObjects(ofAttempt, { ...options, log });
  const paths = pathsUnder(attempt.prefix);
  const phases = trackPhases(options.clock);
  phases.enter("claim");
  const claimant = await takeClaim(objects, paths.claim, options.buildId);
  if (claimant !== undefined) return log(`superseded: the attempt belongs to ${claimant}`);
  const { buildId } = options;
  log(claimedBy(options, attempt));
  const startedAt = new Date(options.clock.now()).toISOString();
  const isolation = isolationOf(options, input);
  // When the result is told: nobody waits for it.
  await using cleanup = new AsyncDisposableStack();
  const others = watchForOthers(ofAttempt, paths.manifest, options.clock);
  const progress = progressOf({ ...options, ...others, log }, attempt);
  const done = await workAndUpload({
    ...options,
    ...others,
    progress,
    cleanup,
    objectsIn,
    isolation,
    hiding: hidden,
    log,
    input,
    objects,
    isCancelled: () => ofAttempt.exists(paths.cancel),
    phases,
    paths,
    startedAt,
  });
  const manifest: BuildManifest = {
    schemaVersion: 1,
    by: "build",
    runId: attempt.runId,
    attempt: attempt.attempt,
    buildId,
    isolation,
    startedAt,
    endedAt: new Date(options.clock.now()).toISOString(),
    ...done,
    phases: phases.times(),
  };
  await decide(manifest, { objects, name: paths.manifest, progress, log });
}

/** Creates the manifest; what is still to be reported goes with the word that it is there. */
async function decide(
  manifest: BuildManifest,
  {
    objects,
    name,
    progress,
    log,
  }: { objects: Objects; name: string; progress: ProgressReporter; log(line: string): void },
): Promise<void> {
  let isDone = false;
  try {
    const first = await putManifest(objects, name, manifest);
    isDone = true;
    log(first === undefined ? "done" : `superseded: the result was decided by ${first}`);
  } finally {
    await progress.close({ isDone });
  }
}

/** Reports of the attempt, whose first makes the run `running`. */
function progressOf(
  options: Pick<RunnerOptions, "buildId" | "trace" | "clock" | "log"> & Supersession,
  { attempt, progress }: AttemptInput,
): ProgressReporter {
  const reporter = startProgress({
    ...options,
    ...progress,
    attempt,
    intervalMs: TIMING.progressInterval * 1000,
    onRefused: options.suspect,
  });
  reporter.report(STARTING);
  return reporter;
}

function claimedBy({ buildId, trace }: RunnerOptions, { attempt, runId }: AttemptInput): string {
  const within = trace ? `, trace ${traceParts(trace).traceId}` : "";
  return `claimed attempt ${attempt} of ${runId} for build ${buildId}${within}`;
}

/** What nobody may read that the agent or its log says. */
const secretsOf = (
  { apiKey, environment, repositories }: RunnerOptions,
  { prefix, progress }: AttemptInput,
): string[] => [
  apiKey,
  progress.token,
  prefix.split("/").at(-2) ?? "",
  ...Object.values(environment),
  ...credentialsIn(repositories).flatMap(hiddenOf),
];

function customTimesOf({ retention }: AttemptInput, clock: Clock): CustomTimes {
  return (name) => retention && customTimeOf(new Date(clock.now()), keptDays(name, retention));
}

function isolationOf({ isolation, unconfinedPrompt }: RunnerOptions, input: Input): Isolation {
  const { agent, attempt, prompt } = input;
  const { restore, files = [], tree } = attempt;
  const hasNothing = restore === null && files.length === 0 && tree === undefined;
  const isBare = isDeepStrictEqual(agent, resolveAgent({})) && hasNothing;
  return isBare && prompt.toString() === unconfinedPrompt ? "none" : isolation;
}

interface Attempt extends Omit<RunnerOptions, "objectsIn">, Supersession {
  objectsIn(bucket: string): Objects;
  input: Input;
  hiding: Hiding;
  objects: Objects;
  isCancelled(): Promise<boolean>;
  paths: AttemptPaths;
  phases: Phases;
  startedAt: string;
  progress: ProgressReporter;
  /** What is left to do when the attempt has its result. */
  cleanup: AsyncDisposableStack;
}

/** Never throws: an attempt whose agent could not even be given a folder has a result too. */
async function workAndUpload(attempt: Attempt): Promise<Uploaded> {
  const { phases, progress } = attempt;
  phases.tell(progress.add);
  const uploaded = await workReporting(attempt);
  phases.leave();
  if (uploaded.changes) progress.add({ type: "changes", ...uploaded.changes });
  return uploaded;
}

async function workReporting(attempt: Attempt): Promise<Uploaded> {
  let outcome = noOutcomeYet(attempt.input.agent.outputSchema !== undefined);
  try {
    const folders = await makeFolders(attempt.temporaryFolder, attempt.isolation);
    attempt.cleanup.defer(() => removeFolders(folders, attempt.log));
    const { isCancelled, paths, terminated } = attempt;
    const isOver = async () => terminated.aborted || isCancelled();
    const work: AgentWork = {
      ...attempt,
      folders,
      mirrors: mirrorsOf(attempt, folders),
      objectsIn: (bucket) => patientObjects(attempt.objectsIn(bucket), { ...attempt, isOver }),
    };
    outcome = await workWithAgent(work);
    attempt.log(describe(outcome.facts));
    const collected = await checkInRounds(work, outcome);
    const upload = { ...attempt, folders, prefix: paths.outputs };
    return await uploadOutcome(upload, outcome, collected);
  } catch (error) {
    attempt.log(`nothing is uploaded: ${messageOf(error)}`);
    return withoutOutputs(outcome, error);
  }
}

/** The mirrors of its owner's repositories. Whoever waits for the result does not wait for them. */
function mirrorsOf(
  { input, isolation, mirrorsIn, clock, terminated, cleanup }: Attempt,
  { root }: Folders,
): Mirrors | undefined {
  const { bucket, mirrors: place } = input.attempt;
  // An agent without a sandbox could write what others shall have of the host.
  if (place === undefined || mirrorsIn === undefined || isolation === "none") return undefined;
  return {
    objects: mirrorsIn(bucket),
    place,
    leastBytes: MIRROR_LIMITS.leastBytes,
    folder: root,
    later: (work) => cleanup.defer(work),
    ...{ clock, terminated },
  };
}

function describe(facts: AgentFacts): string {
  if (!facts.started) {
    // The error may quote the request, which stays out of the log.
    if (facts.failedStep) return `the agent did not start: its ${facts.failedStep} failed`;
    return facts.error ? `the agent did not start: ${facts.error}` : "the agent did not start";
  }
  const how = facts.signal ? `by ${facts.signal}` : `with exit code ${facts.exitCode}`;
  const why = facts.stoppedBy ? `, stopped by ${facts.stoppedBy}` : "";
  return `the agent ended ${how} after ${counted(facts.turns, "turn")}${why}`;
}
