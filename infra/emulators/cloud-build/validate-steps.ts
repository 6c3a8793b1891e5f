import { type BuildStep, durationMs } from "./build.ts";
import { goDuration, invalid } from "./invalid.ts";
import { LIMITS } from "./limits.ts";

/** The `waitFor` entry that is satisfied from the start. */
export const START_STEP = "-";

/**
 * Checks the number of steps and each one's content.
 *
 * @param buildTimeoutMs 0 if the build gives none.
 * @throws {GoogleError} INVALID_ARGUMENT
 */
export function checkSteps(steps: readonly BuildStep[], buildTimeoutMs: number): void {
  if (steps.length === 0) throw invalid("steps", "no build steps are specified");
  if (steps.length > LIMITS.steps) {
    throw invalid("steps", `cannot specify more than ${LIMITS.steps} build steps`);
  }
  const known = new Set([START_STEP]);
  for (const [index, step] of steps.entries()) {
    checkSizes(step, index);
    checkOrder(step, { index, known });
    checkEnv(step.env ?? [], `steps[${index}].env`);
    checkTimeout(step, { index, buildTimeoutMs });
    checkScript(step, index);
    checkExitCodes(step, index);
  }
}

/**
 * Checks a list of `KEY=VALUE`.
 *
 * @throws {GoogleError} INVALID_ARGUMENT
 */
export function checkEnv(entries: readonly string[], field: string): void {
  if (entries.length > LIMITS.envsPerStep) {
    throw invalid(field, `too many envs (max: ${LIMITS.envsPerStep})`);
  }
  for (const [index, entry] of entries.entries()) {
    if (entry.length > LIMITS.envLength) {
      throw invalid(field, `env ${index} too long (max: ${LIMITS.envLength})`);
    }
    if (!entry.includes("=") || entry.includes("\0")) {
      throw invalid(field, `the Env entry "${entry}" must be of the form "KEY=VALUE"`);
    }
  }
}

function checkSizes({ name, args = [], dir = "" }: BuildStep, index: number): void {
  const fail = (reason: string) => invalid(`steps[${index}]`, `build step ${index} ${reason}`);
  if (!name) throw fail("must specify name");
  if (name.length > LIMITS.stepNameLength) {
    throw fail(`name too long (max: ${LIMITS.stepNameLength})`);
  }
  if (args.length > LIMITS.argsPerStep) throw fail(`too many args (max: ${LIMITS.argsPerStep})`);
  for (const [position, arg] of args.entries()) {
    if (arg.length > LIMITS.argLength) {
      throw fail(`arg ${position} too long (max: ${LIMITS.argLength})`);
    }
    if (arg.includes("\0")) throw fail(`arg ${position} contains a NUL character`);
  }
  if (dir.length > LIMITS.dirLength) throw fail(`dir too long (max: ${LIMITS.dirLength})`);
}

/** A step waits only for steps above it, and its id is its own. Adds the id to `known`. */
function checkOrder(
  { id = "", waitFor = [] }: BuildStep,
  { index, known }: { index: number; known: Set<string> },
): void {
  const label = id === "" ? `build step #${index}` : `build step #${index} - "${id}"`;
  for (const dependency of waitFor) {
    if (!known.has(dependency)) {
      const reason = `depends on "${dependency}", which has not been defined`;
      throw invalid(`steps[${index}].wait_for`, `${label} ${reason}`);
    }
  }
  if (id === "") return;
  if (id === START_STEP) {
    const reason =
      'the ID cannot be "-" which is reserved as a dependency for build steps that should run first';
    throw invalid(`steps[${index}].id`, `${label}: ${reason}`);
  }
  if (known.has(id)) throw invalid(`steps[${index}].id`, `${label}: the ID is not unique`);
  known.add(id);
}

function checkTimeout(
  { timeout }: BuildStep,
  { index, buildTimeoutMs }: { index: number; buildTimeoutMs: number },
): void {
  const stepTimeoutMs = durationMs(timeout ?? {});
  const limitMs = buildTimeoutMs > 0 ? buildTimeoutMs : LIMITS.timeoutMs;
  if (stepTimeoutMs < 0) {
    throw invalid(`steps[${index}].timeout`, "build step timeout must be >0");
  }
  if (stepTimeoutMs > limitMs) {
    const limit = `build timeout value of "${goDuration(limitMs)}"`;
    throw invalid(`steps[${index}].timeout`, `value must be less than or equal to ${limit}`);
  }
}

// Differs: the texts about scripts and exit codes are ours; Google's are not known.
function checkScript({ script, args = [], entrypoint }: BuildStep, index: number): void {
  if (!script || (args.length === 0 && !entrypoint)) return;
  const reason = "script cannot be specified together with args or entrypoint";
  throw invalid(`steps[${index}].script`, reason);
}

function checkExitCodes({ allowExitCodes = [] }: BuildStep, index: number): void {
  const outside = allowExitCodes.find((code) => code < 0 || code > LIMITS.exitCode);
  if (outside === undefined) return;
  const reason = `exit code ${outside} must be between 0 and ${LIMITS.exitCode}`;
  throw invalid(`steps[${index}].allow_exit_codes`, reason);
}
