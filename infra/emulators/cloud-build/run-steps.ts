import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { setAlarm } from "./alarm.ts";
import { type BuildStep, durationMs } from "./build.ts";
import { BuildFailure, type BuildRun, type StepRecord, spanSince } from "./build-run.ts";
import { LIMITS } from "./limits.ts";
import { stepCommand, stepLabel } from "./step-command.ts";
import { runProcess } from "./step-process.ts";
import { START_STEP } from "./validate-steps.ts";

/**
 * Runs the build's steps, each as soon as those it waits for are over. The first failure that is
 * not allowed stops the others. Resolves, or throws, when no step runs any more.
 *
 * @throws {BuildFailure} USER_BUILD_STEP
 */
export async function runSteps(run: BuildRun): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([run.signal, stop.signal]);
  const finished: Promise<void>[] = [];
  for (const index of run.build.steps.keys()) {
    const before = dependencies(run.build.steps, index).map((position) => finished[position]);
    const step = Promise.all(before).then(() => runStep(run, index, signal));
    step.catch((error: unknown) => stop.abort(error));
    finished.push(step);
  }
  await Promise.allSettled(finished);
  if (stop.signal.aborted) throw stop.signal.reason;
}

/** The positions of the steps that step `index` waits for: those named, or else all above it. */
function dependencies(steps: readonly BuildStep[], index: number): number[] {
  const above = [...steps.keys()].slice(0, index);
  const waitFor = steps[index]?.waitFor ?? [];
  if (waitFor.length === 0) return above;
  const named = waitFor.filter((id) => id !== START_STEP);
  return above.filter((position) => named.includes(steps[position]?.id ?? ""));
}

async function runStep(run: BuildRun, index: number, signal: AbortSignal): Promise<void> {
  const step = run.build.steps[index];
  const record = run.steps[index];
  if (signal.aborted || step === undefined || record === undefined) return;
  const label = stepLabel(run.build, index);
  const startMs = run.engine.state.clock.now();
  if (label !== "") run.log.line(`Starting ${label}`);
  try {
    await runTimed(run, { step, record, index }, signal);
  } finally {
    record.timing = spanSince(run, startMs);
    record.output = readOutput(join(run.files.outputs, String(index), "output"));
    if (label !== "") run.log.line(`Finished ${label}`);
  }
}

interface RunningStep {
  step: BuildStep;
  record: StepRecord;
  index: number;
}

/** Runs the step's command within its own timeout and judges how it ended. */
async function runTimed(run: BuildRun, running: RunningStep, signal: AbortSignal): Promise<void> {
  const { step, record, index } = running;
  const { clock } = run.engine.state;
  const overdue = new AbortController();
  const timeoutMs = durationMs(step.timeout ?? {});
  const cancelAlarm =
    timeoutMs > 0 ? setAlarm(clock, clock.now() + timeoutMs, () => overdue.abort()) : () => {};
  record.status = "FAILURE";
  try {
    const command = stepCommand(run, step, index);
    const stepSignal = AbortSignal.any([signal, overdue.signal]);
    record.exitCode = await runProcess(run, command, stepSignal);
  } finally {
    cancelAlarm();
  }
  judge(running, { stop: signal, isOverdue: overdue.signal.aborted });
}

function judge(
  { step, record, index }: RunningStep,
  { stop, isOverdue }: { stop: AbortSignal; isOverdue: boolean },
): void {
  if (stop.aborted) {
    record.status = stop.reason === "timeout" ? "TIMEOUT" : "CANCELLED";
    return;
  }
  if (record.exitCode === 0 && !isOverdue) {
    record.status = "SUCCESS";
    return;
  }
  record.status = isOverdue ? "TIMEOUT" : "FAILURE";
  if (isAllowed(step, record.exitCode ?? 0)) return;
  const reason = isOverdue
    ? "context deadline exceeded"
    : `step exited with non-zero status: ${record.exitCode}`;
  const failure = `build step ${index} "${step.name}" failed: ${reason}`;
  throw new BuildFailure(failure, { type: "USER_BUILD_STEP" });
}

/** `allowExitCodes`, if given, decides alone. */
function isAllowed({ allowExitCodes = [], allowFailure = false }: BuildStep, exitCode: number) {
  return allowExitCodes.length > 0 ? allowExitCodes.includes(exitCode) : allowFailure;
}

/** The first 50 KB of a step's output file as base64; "" if it wrote none. */
function readOutput(path: string): string {
  try {
    const file = openSync(path, "r");
    try {
      const buffer = Buffer.alloc(LIMITS.stepOutputBytes);
      return buffer.subarray(0, readSync(file, buffer)).toString("base64");
    } finally {
      closeSync(file);
    }
  } catch {
    return "";
  }
}
