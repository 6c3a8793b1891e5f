import { closeSync, fstatSync, openSync, writeSync } from "node:fs";
import type { AgentEvent } from "../../../../shared/documents/event.ts";
import { MANIFEST_LIMITS } from "../../../../shared/documents/manifest.ts";
import type { Passed } from "../../model/passed.ts";
import type { AgentEnd, AgentProcess } from "../../sandbox/launch.ts";
import { awaitLeftovers, type LeftProcesses, namesOfLeft } from "../../sandbox/leftovers.ts";
import { readLines } from "../../sandbox/line-reader.ts";
import { tailOf } from "../../sandbox/tail.ts";
import {
  awaitEnd,
  DRAIN_MS,
  type StopCause,
  type Watch,
  type WatchOptions,
  watchOver,
} from "../../sandbox/watch.ts";
import type { Hiding } from "../../secrets.ts";
import { isOfFullDisk } from "../../text.ts";
import type { Progress } from "../progress.ts";
import { isOwnWords, withApiHost } from "./own-words.ts";
import {
  addMeaning,
  type EventMeaning,
  meaningOf,
  nothingSeen,
  type Seen,
  seenAgain,
  UNAUTHORIZED,
} from "./stream-json.ts";
import { telling } from "./told-events.ts";

export interface AgentRunOptions extends WatchOptions {
  input: Buffer;
  eventsFile: string;
  hiding: Hiding;
  /** Host, and port if it has one, of the model's API: what people know it by. */
  apiHost: string;
  /** What passed the model's proxy has cost so far, in USD. */
  costUsd(): number;
  /** What the agent may spend is spent. */
  isSpent(): boolean;
  /** For how long after the agent's end what it left may go on. */
  leftoverMs: number;
  passed: Pick<Passed, "errors">;
  /**
   * What was seen of it when it worked before; of an earlier result nothing counts. Default:
   * nothing.
   */
  before?: Seen | undefined;
  onProgress(progress: Progress): void;
  onEvent(event: AgentEvent): void;
}

export interface AgentRun {
  end: AgentEnd;
  seen: Seen;
  stoppedBy: StopCause | null;
  stderrTail: string;
  /**
   * What was ended although it was still at work; of an agent that was stopped nothing is named.
   */
  left: LeftProcesses | undefined;
}

/** A longer line is kept with its long texts cut. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;
const CUT_TEXT_BYTES = 4 * 1024 * 1024;
const MAX_EVENTS_BYTES = 64 * 1024 * 1024;

/** Sees an agent that was just started through to its end, and leaves no process of it behind. */
export async function seeThrough(agent: AgentProcess, options: AgentRunOptions): Promise<AgentRun> {
  const { hiding, log } = options;
  const seen = options.before === undefined ? nothingSeen() : seenAgain(options.before);
  let left: LeftProcesses | undefined;
  const named: AgentProcess = {
    ...agent,
    kill() {
      left ??= namesOfLeft(agent, hiding.text);
      return agent.kill();
    },
  };
  const watch = watchOver(named, options);
  const stderr = tailOf(agent.stderr, MANIFEST_LIMITS.stderrBytes);
  const ofApi = (text: string) => withApiHost(text, agent.modelHost(), options.apiHost);
  const deafAt = Number.POSITIVE_INFINITY;
  const reading = { ...options, ofApi, seen, watch, tell: telling(options), deafAt };
  const events = readEvents(agent, reading);
  events.catch(() => {});
  agent.stdin.end(options.input);
  await agent.ended;
  reading.deafAt = options.clock.now() + DRAIN_MS;
  await awaitLeft(agent, reading);
  const end = await awaitEnd(named, { watch, output: [events, stderr.done], log });
  await events;
  const stoppedBy = watch.stoppedBy();
  const isNamed = stoppedBy === null || stoppedBy === "lingered";
  return {
    end,
    seen,
    stoppedBy,
    stderrTail: stderr.text((text) => ofApi(hiding.text(text))),
    left: isNamed && left?.commands.length ? left : undefined,
  };
}

interface Reading extends AgentRunOptions {
  seen: Seen;
  watch: Watch;
  ofApi(text: string): string;
  tell: ReturnType<typeof telling>;
  /** From when on lines are not the agent's: it has ended, and all that it wrote was read. */
  deafAt: number;
}

/** Gives what an agent left its time, unless the agent was stopped or has spent what it may. */
async function awaitLeft(agent: AgentProcess, reading: Reading): Promise<void> {
  const { clock, isSpent, leftoverMs: graceMs, seen, watch } = reading;
  if (watch.isOver()) return;
  watch.ended();
  const isOver = () => watch.isOver() || isSpent() || seen.result?.["subtype"] === SPENT;
  await awaitLeftovers(agent, { clock, graceMs, isOver });
}

/** Of a result line: the agent has spent what its command line was told that it may. */
const SPENT = "error_max_budget_usd";

/** Copies the agent's lines to the events file and takes out of them what the runner needs. */
async function readEvents(agent: AgentProcess, reading: Reading): Promise<void> {
  const file = eventsFile(reading.eventsFile);
  try {
    for await (const line of readLines(agent.stdout, MAX_LINE_BYTES, CUT_TEXT_BYTES)) {
      if (reading.clock.now() > reading.deafAt) continue;
      reading.watch.spoke();
      if ("droppedBytes" in line) {
        file.note({ subtype: "line_too_long", bytes: line.droppedBytes });
        continue;
      }
      if (line.cutBytes !== undefined) file.note({ subtype: "line_cut", bytes: line.cutBytes });
      takeLine(line, file, reading);
    }
  } catch (error) {
    if (!agent.stdout.destroyed) throw error;
  } finally {
    file.close();
  }
}

/**
 * Ends what a line says is over. That the key is refused the API itself must have said: everything
 * that the agent starts can write a line.
 */
function endFor(
  { isUnauthorized, result }: EventMeaning,
  { passed: { errors }, watch }: Reading,
): void {
  if (isUnauthorized && errors.has(UNAUTHORIZED)) watch.stop("unauthorized");
  if (result !== undefined) watch.finished();
}

function takeLine(
  line: { text: string; cutBytes?: number },
  file: ReturnType<typeof eventsFile>,
  reading: Reading,
): void {
  const { seen, hiding, onProgress, onEvent } = reading;
  const hidden = hiding.line(line.text);
  const text = isOwnWords(hidden) ? reading.ofApi(hidden) : hidden;
  const meaning = meaningOf(text);
  file.append(text, meaning.result !== undefined);
  addMeaning(seen, meaning, MANIFEST_LIMITS.deniedTools);
  if (meaning.result !== undefined) seen.isResultCut = line.cutBytes !== undefined;
  endFor(meaning, reading);
  if (meaning.progress !== undefined) onProgress({ text: meaning.progress, turn: seen.turns });
  for (const event of reading.tell(text, seen.turns)) onEvent(event);
}

/** The events file, to be gone on with: bounded, yet each result line is in it. */
function eventsFile(path: string) {
  const descriptor = openSync(path, "a", 0o600);
  let { size } = fstatSync(descriptor);
  let isFull = size > MAX_EVENTS_BYTES;
  const write = (text: string): void => {
    try {
      size += writeSync(descriptor, `${text}\n`);
    } catch (error) {
      // The agent goes on: what it does counts for more than the record of it.
      if (!isOfFullDisk(error)) throw error;
      isFull = true;
    }
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
