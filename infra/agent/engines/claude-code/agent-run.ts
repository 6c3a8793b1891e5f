import { closeSync, openSync, writeSync } from "node:fs";
import type { AgentEvent } from "../../../../shared/documents/event.ts";
import { MANIFEST_LIMITS } from "../../../../shared/documents/manifest.ts";
import type { AgentEnd, AgentProcess } from "../../sandbox/launch.ts";
import { readLines } from "../../sandbox/line-reader.ts";
import { tailOf } from "../../sandbox/tail.ts";
import {
  awaitEnd,
  type StopCause,
  type Watch,
  type WatchOptions,
  watchOver,
} from "../../sandbox/watch.ts";
import type { Hiding } from "../../secrets.ts";
import type { Progress } from "../progress.ts";
import { addMeaning, meaningOf, nothingSeen, type Seen } from "./stream-json.ts";
import { agentEventsOf } from "./told-events.ts";

export interface AgentRunOptions extends WatchOptions {
  input: Buffer;
  eventsFile: string;
  hiding: Hiding;
  /** What the session had cost before this run, in USD, if its command line counts on from there. */
  costBefore: number;
  onProgress(progress: Progress): void;
  onEvent(event: AgentEvent): void;
}

export interface AgentRun {
  end: AgentEnd;
  seen: Seen;
  stoppedBy: StopCause | null;
  stderrTail: string;
}

const MAX_LINE_BYTES = 16 * 1024 * 1024;
const MAX_EVENTS_BYTES = 64 * 1024 * 1024;

/** Sees an agent that was just started through to its end, and leaves no process of it behind. */
export async function seeThrough(agent: AgentProcess, options: AgentRunOptions): Promise<AgentRun> {
  const { hiding, log } = options;
  const seen = nothingSeen();
  const watch = watchOver(agent, options);
  const stderr = tailOf(agent.stderr, MANIFEST_LIMITS.stderrBytes);
  const events = readEvents(agent, { ...options, seen, watch });
  events.catch(() => {});
  agent.stdin.end(options.input);
  const end = await awaitEnd(agent, { watch, output: [events, stderr.done], log });
  await events;
  return { end, seen, stoppedBy: watch.stoppedBy(), stderrTail: stderr.text(hiding.text) };
}

interface Reading extends AgentRunOptions {
  seen: Seen;
  watch: Watch;
}

/** Copies the agent's lines to the events file and takes out of them what the runner needs. */
async function readEvents(agent: AgentProcess, reading: Reading): Promise<void> {
  const { seen, watch, hiding, onProgress, onEvent } = reading;
  const file = eventsFile(reading.eventsFile);
  try {
    for await (const line of readLines(agent.stdout, MAX_LINE_BYTES)) {
      watch.spoke();
      if ("droppedBytes" in line) {
        file.note({ subtype: "line_too_long", bytes: line.droppedBytes });
        continue;
      }
      const text = hiding.line(line.text);
      const meaning = meaningOf(text);
      file.append(text, meaning.result !== undefined);
      addMeaning(seen, meaning, MANIFEST_LIMITS.deniedTools);
      if (meaning.isUnauthorized) watch.stop("unauthorized");
      if (meaning.result !== undefined) watch.finished();
      if (meaning.progress !== undefined) onProgress({ text: meaning.progress, turn: seen.turns });
      for (const event of agentEventsOf(text, { ...reading, turns: seen.turns })) onEvent(event);
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
