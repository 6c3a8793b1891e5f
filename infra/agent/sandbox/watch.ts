import type { Clock } from "../../../shared/clock.ts";
import type { STOP_CAUSES } from "../../../shared/documents/manifest.ts";
import type { AgentEnd, AgentProcess } from "./launch.ts";

export type StopCause = (typeof STOP_CAUSES)[number];

/** When to end an agent that does not end by itself. */
export interface Patience {
  /** It may work for this long, */
  deadlineMs: number;
  /** … say nothing for this long, */
  idleMs: number;
  /** … take this long to end once it was interrupted, */
  graceMs: number;
  /** … and to exit once it has given its result. */
  lingerMs: number;
  /** Memory of all its processes, in bytes. */
  memoryBytes: number;
  /** Its processes at one time: a fork bomb exhausts a machine before its memory does. */
  processes: number;
  cancelPollMs: number;
}

/** What may end an agent before its time. */
export interface WatchOptions {
  patience: Patience;
  clock: Clock;
  /** Aborted when the build is being ended from outside. */
  terminated: AbortSignal;
  /** Whether a cancel was asked for. Failures count as no. */
  isCancelled(): Promise<boolean>;
  log(line: string): void;
}

const MEMORY_POLL_MS = 1_000;

export interface Watch {
  stop(cause: StopCause): void;
  stoppedBy(): StopCause | null;
  /** The agent said something. */
  spoke(): void;
  /** The agent gave its result: from now on only exiting late or too much memory ends it. */
  finished(): void;
  close(): void;
}

/** Holds every timer of one agent, or of one setup command; the first cause to stop it is the one that counts. */
export function watchOver(agent: AgentProcess, options: WatchOptions): Watch {
  const { clock, patience, terminated, log } = options;
  const timers: (() => void)[] = [];
  let cause: StopCause | null = null;
  let hasResult = false;
  let takeIdleBack = () => {};

  const kill = (): void => {
    agent.kill().catch((error: Error) => log(`its processes cannot be killed: ${error.message}`));
  };
  const stopNow = (why: StopCause): void => {
    cause ??= why;
    log(`stopping the agent: ${why}`);
    kill();
  };
  const stop = (why: StopCause): void => {
    if (cause !== null || hasResult) return;
    cause = why;
    log(`stopping the agent: ${why}`);
    agent.interrupt();
    timers.push(clock.after(patience.graceMs, kill));
  };
  const spoke = (): void => {
    takeIdleBack();
    takeIdleBack = clock.after(patience.idleMs, () => stop("idle"));
  };
  const onTerminated = () => stop("terminated");
  terminated.addEventListener("abort", onTerminated);
  if (terminated.aborted) onTerminated();
  timers.push(
    clock.after(patience.deadlineMs, () => stop("deadline")),
    clock.every(MEMORY_POLL_MS, () => {
      const { processes, residentBytes } = agent.usage();
      const isTooMuch = residentBytes > patience.memoryBytes || processes > patience.processes;
      if (isTooMuch) stopNow("memory");
    }),
    pollCancel(options, () => stop("cancel")),
  );
  spoke();
  return {
    stop,
    stoppedBy: () => cause,
    spoke,
    finished() {
      if (hasResult) return;
      hasResult = true;
      timers.push(clock.after(patience.lingerMs, () => stopNow("lingered")));
    },
    close() {
      terminated.removeEventListener("abort", onTerminated);
      takeIdleBack();
      for (const takeBack of timers) takeBack();
    },
  };
}

/** Asks again and again whether the run was cancelled, one question at a time. */
function pollCancel(
  { clock, patience, isCancelled, log }: WatchOptions,
  onCancel: () => void,
): () => void {
  let isAsking = false;
  let hasFailed = false;
  return clock.every(patience.cancelPollMs, () => {
    if (isAsking) return;
    isAsking = true;
    isCancelled()
      .then((isIt) => isIt && onCancel())
      .catch((error: Error) => {
        if (!hasFailed) log(`cannot look for a cancel: ${error.message}`);
        hasFailed = true;
      })
      .finally(() => {
        isAsking = false;
      });
  });
}

/** How long to wait for the rest of the output when every process is gone. */
const DRAIN_MS = 2_000;

/** A watched agent, and what has to be over before its output counts as read. */
interface Watched {
  watch: Watch;
  output: readonly Promise<void>[];
  log(line: string): void;
}

/** Waits for an agent's end, ends what it left behind, and waits for the rest of its output. */
export async function awaitEnd(agent: AgentProcess, watched: Watched): Promise<AgentEnd> {
  const end = await agent.ended;
  watched.watch.close();
  await agent.kill().catch((error: Error) => watched.log(error.message));
  const late = new Promise<void>((resolve) => setTimeout(resolve, DRAIN_MS).unref());
  await Promise.race([Promise.all(watched.output), late]);
  agent.stdout.destroy();
  agent.stderr.destroy();
  return end;
}
