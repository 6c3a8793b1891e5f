import type { Clock } from "../../../shared/clock.ts";
import type { STOP_CAUSES } from "../../../shared/documents/stop-causes.ts";
import type { AgentEnd, AgentProcess, AgentUsage } from "./launch.ts";
import { THREADS_PER_PROCESS } from "./sandbox.ts";

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
  /** What it has written and not removed, in bytes. */
  diskBytes: number;
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
  /** Whether the attempt was decided by others. Failures count as no. Default: never. */
  isSuperseded?(): Promise<boolean>;
  log(line: string): void;
}

const USAGE_POLL_MS = 1_000;

export interface Watch {
  stop(cause: StopCause): void;
  stoppedBy(): StopCause | null;
  /** The agent said something. */
  spoke(): void;
  /**
   * The agent gave its result: from now on only exiting late, or using more than it may, ends it.
   */
  finished(): void;
  /** The agent has ended by itself: the time runs for what it left. */
  ended(): void;
  /**
   * Nothing of it may go on: it was stopped, or since its result something came that would have.
   */
  isOver(): boolean;
  /** Looks a last time at what the agent used, and ends all timers. */
  close(): Promise<void>;
}

/** The bound that is exceeded, if one is. */
function excessOf(usage: AgentUsage, patience: Patience): StopCause | undefined {
  if (usage.exceeded !== undefined) return usage.exceeded;
  if (usage.residentBytes > patience.memoryBytes) return "memory";
  const { processes, threads } = usage;
  const isTooMany =
    processes > patience.processes || threads > patience.processes * THREADS_PER_PROCESS;
  if (isTooMany) return "processes";
  return usage.diskBytes > patience.diskBytes ? "disk" : undefined;
}

/**
 * Holds every timer of one agent, of one setup command or of one check; the first cause to stop it
 * is the one that counts.
 */
export function watchOver(agent: AgentProcess, options: WatchOptions): Watch {
  const { clock, patience, terminated, log } = options;
  const ofAgent = new TakeBack();
  const ofAll = new TakeBack();
  const ofIdling = new TakeBack();
  let cause: StopCause | null = null;
  let hasResult = false;
  let hasEnded = false;
  let isOver = false;

  const kill = (): void => {
    agent.kill().catch((error: Error) => log(`its processes cannot be killed: ${error.message}`));
  };
  const stopNow = (why: StopCause): void => {
    cause ??= why;
    log(`stopping the agent: ${why}`);
    kill();
  };
  const stop = (why: StopCause): void => {
    isOver ||= hasResult || hasEnded;
    if (cause !== null || hasResult || hasEnded) return;
    cause = why;
    log(`stopping the agent: ${why}`);
    agent.interrupt();
    ofAgent.add(clock.after(patience.graceMs, kill));
  };
  const spoke = (): void => {
    ofIdling.all();
    if (!hasEnded) ofIdling.add(clock.after(patience.idleMs, () => stop("idle")));
  };
  const look = (): void => {
    const excess = excessOf(agent.usage(), patience);
    if (excess !== undefined) stopNow(excess);
  };
  ofAll.add(onAbort(terminated, () => stop("terminated")));
  ofAgent.add(clock.after(patience.deadlineMs, () => stop("deadline")));
  ofAll.add(clock.every(USAGE_POLL_MS, look));
  ofAll.add(pollOutside(options, { stop, stopNow }));
  spoke();
  return {
    stop,
    stoppedBy: () => cause,
    spoke,
    finished() {
      const linger = () => stopNow("lingered");
      if (!hasResult && !hasEnded) ofAgent.add(clock.after(patience.lingerMs, linger));
      hasResult = true;
    },
    ended() {
      hasEnded = true;
      for (const timers of [ofAgent, ofIdling]) timers.all();
    },
    isOver: () => isOver || cause !== null,
    async close() {
      await agent.lookAtDisk();
      const excess = excessOf(agent.usage(), patience);
      if (excess !== undefined) cause ??= excess;
      for (const timers of [ofAgent, ofIdling, ofAll]) timers.all();
    },
  };
}

/** What takes timers and listeners back. */
class TakeBack {
  readonly #each: (() => void)[] = [];
  add(one: () => void): void {
    this.#each.push(one);
  }
  all(): void {
    for (const one of this.#each.splice(0)) one();
  }
}

/** Calls back when the signal is aborted, or at once if it was; the returned function ends that. */
function onAbort(signal: AbortSignal, callback: () => void): () => void {
  signal.addEventListener("abort", callback);
  if (signal.aborted) callback();
  return () => signal.removeEventListener("abort", callback);
}

/** Asks again and again what became of the run, one question at a time. */
function pollOutside(
  { clock, patience, isCancelled, isSuperseded = async () => false, log }: WatchOptions,
  { stop, stopNow }: Record<"stop" | "stopNow", (why: StopCause) => void>,
): () => void {
  let isAsking = false;
  let hasFailed = false;
  return clock.every(patience.cancelPollMs, () => {
    if (isAsking) return;
    isAsking = true;
    const ask = async (): Promise<void> => {
      if (await isSuperseded()) return stopNow("superseded");
      if (await isCancelled()) stop("cancel");
    };
    ask()
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
export const DRAIN_MS = 2_000;

/** A watched agent, and what has to be over before its output counts as read. */
interface Watched {
  watch: Watch;
  output: readonly Promise<void>[];
  log(line: string): void;
}

/** Waits for an agent's end, ends what it left behind, and waits for the rest of its output. */
export async function awaitEnd(agent: AgentProcess, watched: Watched): Promise<AgentEnd> {
  const end = await agent.ended;
  await watched.watch.close();
  await agent.kill().catch((error: Error) => watched.log(error.message));
  const late = new Promise<void>((resolve) => setTimeout(resolve, DRAIN_MS).unref());
  await Promise.race([Promise.all(watched.output), late]);
  agent.stdout.destroy();
  agent.stderr.destroy();
  return end;
}
