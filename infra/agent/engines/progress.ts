import { setTimeout } from "node:timers/promises";
import type { Clock } from "../../../shared/clock.ts";
import type { AgentEvent, ReportedEvent } from "../../../shared/documents/event.ts";
import { REPORT_AFTER } from "../../../shared/names.ts";
import type { TraceContext } from "../../../shared/run/trace.ts";
import { messageOf } from "../text.ts";
import { type EventQueue, openEventQueue } from "./event-queue.ts";

/** What people are told that a running agent does. */
export interface Progress {
  /** One line, at most 200 characters. */
  text: string;
  turn: number;
}

/** Where reports go, and whose they are. */
export interface Report {
  url: string;
  token: string;
  attempt: number;
  buildId: string;
  /** Default: they are in no trace. */
  trace?: TraceContext | null | undefined;
}

export interface ProgressOptions extends Report {
  intervalMs: number;
  clock: Clock;
  /** A report was refused as if nothing of this attempt were taken any more. */
  onRefused(): void;
  log(line: string): void;
}

export interface ProgressReporter {
  /** Takes note of the latest progress; never waits and never fails. */
  report(progress: Progress): void;
  /** Takes an event that every one who follows the run shall get; never waits and never fails. */
  add(event: AgentEvent): void;
  /**
   * Sends what is still unsent, unless that takes too long, and with it that the attempt has its
   * manifest, if it has: sooner than Cloud Build, whose message may be lost.
   */
  close(end: { isDone: boolean }): Promise<void>;
}

/** The longest pause that an answer can ask for, in seconds. */
const MOST_PAUSE = 60;

/** The sign that the agent is being started: it makes the run `running` and says no more. */
export const STARTING: Progress = { text: "", turn: 0 };
/** Goes with events that come before any progress. */
const STARTED: Progress = { text: "The agent is starting.", turn: 0 };

/** A turn's text and its tool call come shortly after each other, and the call says more. */
const COALESCE_MS = 30;
const TIMEOUT_MS = 5_000;
/** For everything that is unsent at the end, */
const FLUSH_MS = 5_000;
/** … with this long between a report that failed and the next. */
const FLUSH_PAUSE_MS = 250;
/** Answers to a report that would be no other the next time: its events are given up. */
const REFUSALS = [400, 413, 422];
/** Answers that mean that nothing of this attempt is taken any more. */
const OVER = [401, 403, 404, 409, 410];

/**
 * Reports progress and events: at most once per interval, one request at a time; more seldom if the
 * last answer asks for that and what there is fits into a report. Of progress the
 * latest counts, and is lost if its report fails; events are sent again until they have arrived.
 * The first report that fails is logged.
 */
export function startProgress(options: ProgressOptions): ProgressReporter {
  const { clock, intervalMs, log } = options;
  const queue = openEventQueue(clock);
  const pace = startPace(clock, intervalMs);
  let [latest, last]: [Progress | undefined, Progress] = [undefined, STARTED];
  let takeBack: (() => void) | undefined;
  let sending: Promise<unknown> | undefined;
  let isClosed = false;
  const complain = once(log);

  const hasNews = (): boolean => latest !== undefined || !queue.isEmpty();
  const send = async (signal: AbortSignal, isDone = false): Promise<Answer> => {
    const events = queue.batch();
    const progress = latest ?? last;
    if (progress !== STARTING) pace.sent();
    latest = undefined;
    const news = { ...progress, ...(events.length > 0 && { events }), done: isDone || undefined };
    const answer = await post(options, news, signal);
    if (answer.problem === undefined || REFUSALS.includes(answer.status ?? 0)) queue.remove(events);
    if (OVER.includes(answer.status ?? 0)) options.onRefused();
    pace.answered(answer);
    if (answer.problem !== undefined) complain(`progress is not reported: ${answer.problem}`);
    return answer;
  };
  const start = (): void => {
    takeBack = undefined;
    sending = send(AbortSignal.timeout(TIMEOUT_MS)).finally(() => {
      sending = undefined;
      plan();
    });
  };
  const unplan = (): void => {
    takeBack?.();
    takeBack = undefined;
  };
  const plan = (): void => {
    if (isClosed || takeBack || sending || !hasNews()) return;
    if (latest === STARTING) start();
    else takeBack = clock.after(pace.waitMs(queue), start);
  };
  return {
    report(progress) {
      latest = progress;
      if (progress !== STARTING) last = progress;
      plan();
    },
    add(event) {
      const wasFull = queue.fillsReport();
      queue.add(event);
      if (!wasFull && queue.fillsReport()) unplan();
      plan();
    },
    async close({ isDone }) {
      isClosed = true;
      unplan();
      await sending;
      if (isDone && !hasNews()) latest = STARTING;
      await flush(hasNews, (signal) => send(signal, isDone));
      if (!queue.isEmpty()) log("the last events are not reported");
    },
  };
}

/** Logs the first line that it is given. */
function once(log: (line: string) => void): (line: string) => void {
  let hasLogged = false;
  return (line) => {
    if (!hasLogged) log(line);
    hasLogged = true;
  };
}

/**
 * When the next report goes out: an interval after the last one, or as much later as its answer
 * asks, but not while as many events wait as one takes.
 */
function startPace(clock: Clock, intervalMs: number) {
  let soonest = clock.now();
  let wanted = soonest;
  return {
    sent() {
      soonest = clock.now() + intervalMs;
      wanted = soonest;
    },
    answered({ afterMs = 0 }: Answer) {
      wanted = soonest + Math.max(0, afterMs - intervalMs);
    },
    waitMs: (queue: EventQueue): number =>
      Math.max((queue.fillsReport() ? soonest : wanted) - clock.now(), COALESCE_MS),
  };
}

/** Reports without pausing, until there is nothing left, nobody takes it, or the time is over. */
async function flush(
  hasNews: () => boolean,
  send: (signal: AbortSignal) => Promise<Answer>,
): Promise<void> {
  const late = AbortSignal.timeout(FLUSH_MS);
  while (hasNews() && !late.aborted) {
    const { problem, status = 0 } = await send(late);
    if (OVER.includes(status)) break;
    if (problem !== undefined) await setTimeout(FLUSH_PAUSE_MS);
  }
}

/**
 * Asks for tokens of the GitHub App; see `appTokens`.
 *
 * @returns what went wrong, if anything did
 */
export async function reportOpening(
  report: Report,
  publicKey: string,
): Promise<string | undefined> {
  const news = { ...STARTING, opens: publicKey };
  return (await post(report, news, AbortSignal.timeout(TIMEOUT_MS))).problem;
}

interface Answer {
  /** Absent if there was no answer at all. */
  status?: number;
  /** What went wrong, if anything did. */
  problem?: string;
  /** How long the next one shall wait; absent: nothing was said of it. */
  afterMs?: number;
}

async function post(
  { url, token, attempt, buildId, trace }: Report,
  news: Progress & { events?: ReportedEvent[]; done?: true | undefined; opens?: string },
  signal: AbortSignal,
): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        ...(trace && { traceparent: trace }),
      },
      body: JSON.stringify({ attempt, buildId, ...news }),
      redirect: "error",
      signal,
    });
    await response.body?.cancel();
    const { ok, status } = response;
    return ok ? { status, ...pauseIn(response) } : { status, problem: `HTTP ${status}` };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

/** An earlier revision says nothing. */
function pauseIn({ headers }: Response): Pick<Answer, "afterMs"> {
  const seconds = Number(headers.get(REPORT_AFTER) ?? Number.NaN);
  return seconds >= 0 ? { afterMs: Math.min(seconds, MOST_PAUSE) * 1000 } : {};
}
