import type { Clock } from "../../shared/clock.ts";
import { TIMING } from "../../shared/limits.ts";
import { DEFAULT_LIMITS } from "./sandbox/sandbox.ts";
import type { Patience } from "./sandbox/watch.ts";

/** From a result line to exiting. */
const LINGER_MS = 5_000;

/**
 * How long an agent, is waited for, and what it may use.
 *
 * @param deadlineAt milliseconds since the epoch
 */
export function patienceOf(
  { clock, memoryBytes }: { clock: Clock; memoryBytes: number },
  deadlineAt: number,
): Patience {
  return {
    deadlineMs: Math.max(0, deadlineAt - clock.now()),
    idleMs: TIMING.agentIdle * 1000,
    graceMs: TIMING.agentInterruptGrace * 1000,
    lingerMs: LINGER_MS,
    cancelPollMs: TIMING.cancelPoll * 1000,
    memoryBytes,
    processes: DEFAULT_LIMITS.processes,
    diskBytes: DEFAULT_LIMITS.diskBytes,
  };
}

/** From interrupting git, or a setup command, to killing it: a shell passes nothing on. */
const STEP_GRACE_MS = 2_000;

/** How long a step before the agent is waited for. */
export const stepPatienceOf = (...of: Parameters<typeof patienceOf>): Patience => ({
  ...patienceOf(...of),
  graceMs: STEP_GRACE_MS,
});
