import { DISK_RETRY_MS, unlessDiskFull } from "../wire/disk.ts";
import { setAlarm } from "./alarm.ts";
import { type Build, toTimestamp } from "./build.ts";
import { closeLostLog } from "./build-log.ts";
import { filesOf } from "./build-run.ts";
import type { Engine } from "./engine.ts";
import { type Execution, startExecution } from "./execution.ts";
import { buildsIn, changeStatus, firstToExpire, oldestQueued } from "./state.ts";

/**
 * Starts builds in the order in which they were created, a limited number at a time.
 *
 * QUEUED: nothing of the build has run. Left by a free place (→ WORKING), by its queueTtl (→
 * EXPIRED), by a cancel. The step to WORKING is committed before anything runs, and nothing leads
 * back: no build runs twice. WORKING: one execution holds it. Left by the execution's end, by a
 * cancel, and by the loss of this process, which the next start finds and ends as INTERNAL_ERROR.
 */
export interface Queue {
  /** Starts what may start, expires what is overdue. Call after each new build. */
  fill(): void;
  /**
   * Stops a build's execution; resolves when none of its processes is left. Its status is the
   * caller's.
   */
  stop(buildId: string): Promise<void>;
  /** Stops everything. What was working is found by the next start. */
  close(): Promise<void>;
}

/**
 * Ends what an earlier process was running when it died, before new builds start. Resolves when
 * none of its processes is left.
 */
export async function recoverLostBuilds(engine: Engine): Promise<void> {
  const { state, processes, buildsDirectory } = engine;
  const lost = buildsIn(state, "WORKING");
  const ids = new Set([...processes.recordedBuilds(), ...lost.map(({ id }) => id)]);
  await Promise.all([...ids].map((id) => processes.killBuild(id)));
  const statusDetail = "the worker of this build was lost; nothing of it runs any more";
  for (const build of lost) {
    const { log } = filesOf(buildsDirectory, build.id);
    // The log's bucket may be gone by now; the build ends all the same.
    await closeLostLog(engine, build, { path: log, text: `ERROR\nERROR: ${statusDetail}` }).catch(
      () => {},
    );
    const finishTime = toTimestamp(state.clock.now());
    const patch = { status: "INTERNAL_ERROR", statusDetail, finishTime } as const;
    changeStatus(state, build.id, { from: ["WORKING"], patch });
  }
}

/** Opens the queue; at most `concurrentBuilds` work at a time. */
// Differs: Google counts builds per project and region, or their vCPUs; here they share one
// machine.
export function openQueue(engine: Engine, concurrentBuilds: number): Queue {
  const { state } = engine;
  const executions = new Map<string, Execution>();
  let isClosed = false;
  let cancelExpiry = () => {};

  function fill(): void {
    if (isClosed) return;
    const isDone = unlessDiskFull(() => {
      expire();
      while (executions.size < concurrentBuilds && startNext()) {
        // Each round starts one build.
      }
    });
    if (isDone) awaitExpiry();
    else tryAgainLater();
  }

  function startNext(): boolean {
    const next = oldestQueued(state);
    if (next === undefined) return false;
    const startTime = toTimestamp(state.clock.now());
    const patch = { status: "WORKING", startTime } as const;
    const build = changeStatus(state, next.id, { from: ["QUEUED"], patch });
    if (build !== undefined) run(build);
    return true;
  }

  function run(build: Build): void {
    const execution = startExecution(engine, build);
    executions.set(build.id, execution);
    void execution.done.then(() => {
      executions.delete(build.id);
      fill();
    });
  }

  function expire(): void {
    for (let first = firstToExpire(state); first; first = firstToExpire(state)) {
      if (first.atMs > state.clock.now()) return;
      const finishTime = toTimestamp(state.clock.now());
      const patch = { status: "EXPIRED", finishTime } as const;
      changeStatus(state, first.id, { from: ["QUEUED"], patch });
    }
  }

  function tryAgainLater(): void {
    cancelExpiry();
    cancelExpiry = state.clock.setTimeout(fill, DISK_RETRY_MS);
  }

  function awaitExpiry(): void {
    cancelExpiry();
    const first = firstToExpire(state);
    cancelExpiry = first === undefined ? () => {} : setAlarm(state.clock, first.atMs, fill);
  }

  return {
    fill,
    async stop(buildId) {
      executions.get(buildId)?.stop("cancelled");
      await engine.processes.killBuild(buildId);
    },
    async close() {
      isClosed = true;
      cancelExpiry();
      for (const execution of executions.values()) execution.stop("closing");
      await Promise.all([...executions.values()].map(({ done }) => done));
    },
  };
}
