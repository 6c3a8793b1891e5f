import { asDiskFull, whenDiskHasRoom } from "../wire/disk.ts";
import { setAlarm } from "./alarm.ts";
import {
  type Build,
  durationMs,
  isTerminal,
  type TerminalStatus,
  timestampMs,
  toTimestamp,
} from "./build.ts";
import { openBuildLog } from "./build-log.ts";
import {
  BuildFailure,
  type BuildRun,
  createFiles,
  filesOf,
  type StopReason,
  timed,
} from "./build-run.ts";
import type { Engine } from "./engine.ts";
import { fetchSource } from "./fetch-source.ts";
import { pushArtifacts } from "./push-artifacts.ts";
import { removeTree } from "./remove-tree.ts";
import { runSteps } from "./run-steps.ts";
import { addDetails, changeStatus, findBuild } from "./state.ts";

/** A build that is being run. */
export interface Execution {
  /** Ends it now. The build's status is the caller's business, except for `timeout`. */
  stop(reason: StopReason): void;
  /** Settles, never rejecting, when no process and no file of the build is left. */
  done: Promise<void>;
}

/** How a build ended by itself, or at its timeout. */
interface Outcome {
  status: TerminalStatus;
  failure?: BuildFailure;
  statusDetail?: string;
}

/** Runs a build whose status is WORKING already, to its end. */
export function startExecution(engine: Engine, build: Build): Execution {
  const controller = new AbortController();
  const closing = new AbortController();
  const stop = (reason: StopReason) => {
    controller.abort(reason);
    if (reason === "closing") closing.abort();
  };
  const startMs = timestampMs(build.startTime ?? build.createTime);
  const deadlineMs = startMs + durationMs(build.timeout);
  const cancelAlarm = setAlarm(engine.state.clock, deadlineMs, () => stop("timeout"));
  const running = { signal: controller.signal, closing: closing.signal };
  const done = execute(engine, build, running)
    .catch((error: unknown) => reportBug(engine, build, { error, closing: closing.signal }))
    .finally(cancelAlarm);
  return { stop, done };
}

async function execute(
  engine: Engine,
  build: Build,
  { signal, closing }: { signal: AbortSignal; closing: AbortSignal },
): Promise<void> {
  const files = filesOf(engine.buildsDirectory, build.id);
  createFiles(files);
  const log = openBuildLog(engine, build, files.log);
  engine.processes.watch(build.id);
  const steps = build.steps.map(() => ({ status: "QUEUED" as const, output: "" }));
  const run: BuildRun = { engine, build, files, log, signal, steps, secrets: {}, timing: {} };
  let outcome = await work(run);
  await engine.processes.killBuild(build.id);
  const isClosing = signal.reason === "closing";
  if (!isClosing) logEnd(run, outcome);
  try {
    await log.close();
  } catch (error) {
    if (outcome.status === "SUCCESS") outcome = loggingFailure(error);
  }
  // The next start tells the end of a build that was closed in the middle, and tidies up after it.
  if (isClosing) return;
  const { clock } = engine.state;
  const isSettled = await whenDiskHasRoom(() => settle(run, outcome), { clock, giveUp: closing });
  if (!isSettled) return;
  await removeTree(files.root);
}

/** The build proper; whatever happens becomes an outcome. */
async function work(run: BuildRun): Promise<Outcome> {
  const { build, log } = run;
  try {
    log.line(`starting build "${build.id}"\n`);
    run.secrets = readSecrets(run);
    log.line("FETCHSOURCE");
    await timed(run, "FETCHSOURCE", () => fetchSource(run));
    log.line("BUILD");
    await timed(run, "BUILD", () => runSteps(run));
    if (!run.signal.aborted) {
      log.line("PUSH");
      await timed(run, "PUSH", () => pushArtifacts(run));
    }
  } catch (error) {
    if (!run.signal.aborted) return outcomeOf(error);
  }
  if (!run.signal.aborted) return { status: "SUCCESS" };
  return { status: run.signal.reason === "timeout" ? "TIMEOUT" : "CANCELLED" };
}

function outcomeOf(error: unknown): Outcome {
  if (error instanceof BuildFailure) return { status: "FAILURE", failure: error };
  const full = asDiskFull(error);
  if (full !== undefined) return { status: "INTERNAL_ERROR", statusDetail: full.message };
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`stand-in: a build failed inside the service: ${detail}\n`);
  return { status: "INTERNAL_ERROR", statusDetail: `internal error: ${String(error)}` };
}

function loggingFailure(error: unknown): Outcome {
  const failure = new BuildFailure(`failed to write the log: ${String(error)}`, {
    type: "LOGGING_FAILURE",
    cause: error,
  });
  return { status: "FAILURE", failure };
}

/** @throws {BuildFailure} if a secret that the build names is not there. */
function readSecrets({ build, engine }: BuildRun): Record<string, string> {
  const values: Record<string, string> = {};
  for (const { versionName = "", env = "" } of build.availableSecrets?.secretManager ?? []) {
    const value = secretValue(engine.surroundings.secrets ?? {}, versionName);
    if (value === undefined) {
      const cause = `rpc error: code = NotFound desc = Secret Version [${versionName}] not found.`;
      throw new BuildFailure(`${NO_ACCESS} ${versionName}: ${cause}`);
    }
    values[env] = value;
  }
  return values;
}

const NO_ACCESS = "failed to access secret version for secret";

function secretValue(
  known: NonNullable<Engine["surroundings"]["secrets"]>,
  versionName: string,
): string | undefined {
  if (typeof known !== "function") {
    return Object.hasOwn(known, versionName) ? known[versionName] : undefined;
  }
  try {
    return known(versionName);
  } catch (error) {
    const cause = `rpc error: code = PermissionDenied desc = ${(error as Error).message}`;
    throw new BuildFailure(`${NO_ACCESS} ${versionName}: ${cause}`, { cause: error });
  }
}

function logEnd({ log }: BuildRun, { status, failure, statusDetail }: Outcome): void {
  if (status === "SUCCESS") {
    log.line("DONE");
    return;
  }
  log.line(status === "TIMEOUT" || status === "CANCELLED" ? status : "ERROR");
  const reasons: Partial<Record<TerminalStatus, string>> = {
    TIMEOUT: "context deadline exceeded",
    CANCELLED: "context canceled",
  };
  log.line(`ERROR: ${reasons[status] ?? failure?.message ?? statusDetail ?? status}`);
}

/** Stores the end of the build, or, if it was cancelled meanwhile, what is known of it. */
function settle(run: BuildRun, outcome: Outcome): void {
  const { state } = run.engine;
  const details = detailsOf(run);
  const finished = changeStatus(state, run.build.id, {
    from: ["WORKING"],
    patch: {
      ...details,
      status: outcome.status,
      finishTime: toTimestamp(state.clock.now()),
      ...failureFields(outcome),
    },
  });
  if (finished === undefined) addDetails(state, run.build.id, details);
}

function failureFields({ failure, statusDetail }: Outcome): Partial<Build> {
  if (failure === undefined) return statusDetail === undefined ? {} : { statusDetail };
  const isStep = failure.type === "USER_BUILD_STEP";
  const detail = isStep ? `Build step failure: ${failure.message}` : failure.message;
  if (failure.type === undefined) return { statusDetail: detail };
  return { statusDetail: detail, failureInfo: { type: failure.type, detail } };
}

function detailsOf(run: BuildRun): Omit<Partial<Build>, "status"> {
  const { build, artifacts } = run;
  const pushTiming = run.timing["PUSH"];
  const objects = build.artifacts?.objects;
  const storageSource = build.source?.storageSource;
  return {
    steps: build.steps.map((step, index) => withRecord(step, run.steps[index])),
    timing: run.timing,
    results: {
      // Differs: a command of this machine has no digest.
      buildStepImages: run.steps.map(() => ""),
      buildStepOutputs: run.steps.map(({ output }) => output),
      ...(artifacts && {
        artifactManifest: artifacts.manifest,
        numArtifacts: String(artifacts.count),
        ...(pushTiming && { artifactTiming: pushTiming }),
      }),
    },
    ...(artifacts &&
      pushTiming && {
        artifacts: { ...build.artifacts, objects: { ...objects, timing: pushTiming } },
      }),
    ...(run.sourceGeneration && {
      sourceProvenance: {
        resolvedStorageSource: { ...storageSource, generation: run.sourceGeneration },
      },
    }),
  };
}

function withRecord(step: Build["steps"][number], record: BuildRun["steps"][number] | undefined) {
  if (record === undefined) return step;
  const { status, exitCode, timing } = record;
  return {
    ...step,
    status,
    ...(exitCode !== undefined && { exitCode }),
    // A local command is there at once: the pull takes no time.
    ...(timing && {
      timing,
      pullTiming: { startTime: timing.startTime, endTime: timing.startTime },
    }),
  };
}

/** The service itself failed: the build ends as Google's do then, and the process goes on. */
async function reportBug(
  engine: Engine,
  build: Build,
  { error, closing }: { error: unknown; closing: AbortSignal },
): Promise<void> {
  const { clock } = engine.state;
  const { statusDetail = "" } = outcomeOf(error);
  await engine.processes.killBuild(build.id);
  const current = findBuild(engine.state, build.id)?.build;
  if (current === undefined || isTerminal(current.status)) return;
  const fail = () => {
    const finishTime = toTimestamp(clock.now());
    const patch = { status: "INTERNAL_ERROR", statusDetail, finishTime } as const;
    changeStatus(engine.state, build.id, { from: ["WORKING"], patch });
  };
  await whenDiskHasRoom(fail, { clock, giveUp: closing });
}
