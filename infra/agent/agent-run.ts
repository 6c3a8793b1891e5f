import { closeSync, openSync, writeSync } from "node:fs";
import { MANIFEST_LIMITS, type STOP_CAUSES } from "../../shared/manifest.ts";
import type { Clock } from "./clock.ts";
import { addMeaning, meaningOf, nothingSeen, type Seen } from "./events.ts";
import type { AgentEnd, AgentProcess } from "./launch.ts";
import { readLines } from "./line-reader.ts";
import type { Progress } from "./progress.ts";
import { cutTextStart } from "./text.ts";

type StopCause = (typeof STOP_CAUSES)[number];

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

export interface AgentRunOptions {
  input: Buffer;
  eventsFile: string;
  patience: Patience;
  clock: Clock;
  /** Aborted when the build is being ended from outside. */
  terminated: AbortSignal;
  /** Whether a cancel was asked for. Failures count as no. */
  isCancelled(): Promise<boolean>;
  onProgress(progress: Progress): void;
  log(line: string): void;
}

export interface AgentRun {
  end: AgentEnd;
  seen: Seen;
  stoppedBy: StopCause | null;
  stderrTail: string;
}

const MAX_LINE_BYTES = 16 * 1024 * 1024;
const MAX_EVENTS_BYTES = 64 * 1024 * 1024;
const MEMORY_POLL_MS = 1_000;
/** How long to wait for the rest of the output when every process is gone. */
const DRAIN_MS = 2_000;

/** Sees an agent that was just started through to its end, and leaves no process of it behind. */
export async function seeThrough(agent: AgentProcess, options: AgentRunOptions): Promise<AgentRun> {
  const seen = nothingSeen();
  const watch = watchOver(agent, options);
  const stderr = tailOf(agent.stderr, MANIFEST_LIMITS.stderrBytes);
  const events = readEvents(agent, { ...options, seen, watch });
  events.catch(() => {});
  agent.stdin.end(options.input);
  const end = await agent.ended;
  watch.close();
  await agent.kill().catch((error: Error) => options.log(error.message));
  const late = new Promise<void>((resolve) => setTimeout(resolve, DRAIN_MS).unref());
  await Promise.race([Promise.all([events, stderr.done]), late]);
  agent.stdout.destroy();
  agent.stderr.destroy();
  await events;
  return { end, seen, stoppedBy: watch.stoppedBy(), stderrTail: stderr.text() };
}

interface Watch {
  stop(cause: StopCause): void;
  stoppedBy(): StopCause | null;
  /** The agent said something. */
  spoke(): void;
  /** The agent gave its result: from now on only exiting late or too much memory ends it. */
  finished(): void;
  close(): void;
}

/** Holds every timer of one agent; the first cause to stop it is the one that counts. */
function watchOver(agent: AgentProcess, options: AgentRunOptions): Watch {
  const { clock, patience, terminated, log } = options;
  const timers: (() => void)[] = [];
  let cause: StopCause | null = null;
  let hasResult = false;
  let takeIdleBack = () => {};

  const kill = (): void => {
    agent.kill().catch((error: Error) => log(`the agent cannot be killed: ${error.message}`));
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
  { clock, patience, isCancelled, log }: AgentRunOptions,
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

interface Reading extends AgentRunOptions {
  seen: Seen;
  watch: Watch;
}

/** Copies the agent's lines to the events file and takes out of them what the runner needs. */
async function readEvents(agent: AgentProcess, reading: Reading): Promise<void> {
  const { seen, watch, onProgress } = reading;
  const file = eventsFile(reading.eventsFile);
  try {
    for await (const line of readLines(agent.stdout, MAX_LINE_BYTES)) {
      watch.spoke();
      if ("droppedBytes" in line) {
        file.note({ subtype: "line_too_long", bytes: line.droppedBytes });
        continue;
      }
      const meaning = meaningOf(line.text);
      file.append(line.text, meaning.result !== undefined);
      addMeaning(seen, meaning, MANIFEST_LIMITS.deniedTools);
      if (meaning.isUnauthorized) watch.stop("unauthorized");
      if (meaning.result !== undefined) watch.finished();
      if (meaning.progress !== undefined) onProgress({ text: meaning.progress, turn: seen.turns });
    }
  } catch (error) {
    if (!agent.stdout.destroyed) throw error;
  } finally {
    file.close();
  }
}

/** The events file: bounded, yet the result line is always in it. */
function eventsFile(path: string) {
  const descriptor = openSync(path, "wx", 0o600);
  let size = 0;
  let isFull = false;
  const write = (text: string): void => {
    size += writeSync(descriptor, `${text}\n`);
  };
  const note = (fields: object): void => write(JSON.stringify({ type: "runyard", ...fields }));
  return {
    note,
    append(line: string, isResult: boolean): void {
      if (!isFull && size + line.length > MAX_EVENTS_BYTES) {
        isFull = true;
        note({ subtype: "truncated", after_bytes: size });
      }
      if (!isFull || isResult) write(line);
    },
    close: () => closeSync(descriptor),
  };
}

/** Keeps the end of a stream. */
function tailOf(stream: AsyncIterable<Buffer>, maxBytes: number) {
  let tail = Buffer.alloc(0);
  const read = async (): Promise<void> => {
    try {
      for await (const chunk of stream) tail = Buffer.concat([tail, chunk]).subarray(-2 * maxBytes);
    } catch {
      // The stream broke with its process; what came is kept.
    }
  };
  return { done: read(), text: () => cutTextStart(tail.toString(), maxBytes) };
}
