import type { Clock } from "./clock.ts";
import { messageOf } from "./text.ts";

/** What people are told that a running agent does. */
export interface Progress {
  /** One line, at most 200 characters. */
  text: string;
  turn: number;
}

export interface ProgressOptions {
  url: string;
  token: string;
  /** Named in each report. */
  attempt: number;
  buildId: string;
  intervalMs: number;
  clock: Clock;
  log(line: string): void;
}

export interface ProgressReporter {
  /** Takes note of the latest progress; never waits and never fails. */
  report(progress: Progress): void;
  /** Sends what is still unsent, unless that takes too long. */
  close(): Promise<void>;
}

/** The sign that the agent is being started: it makes the run `running` and says no more. */
export const STARTING: Progress = { text: "", turn: 0 };

/** A turn's text and its tool call come shortly after each other, and the call says more. */
const COALESCE_MS = 30;
const TIMEOUT_MS = 5_000;
const LAST_TIMEOUT_MS = 2_000;

/**
 * Reports progress: the latest at most once per interval, one request at a time.
 * A report that fails is lost; the first one that does is logged.
 */
export function startProgress(options: ProgressOptions): ProgressReporter {
  const { clock, intervalMs } = options;
  let latest: Progress | undefined;
  let takeBack: (() => void) | undefined;
  let sending: Promise<void> | undefined;
  let notBefore = clock.now();
  let isClosed = false;
  let hasFailed = false;

  const send = async (timeoutMs: number): Promise<void> => {
    const progress = latest;
    latest = undefined;
    if (progress === undefined) return;
    if (progress !== STARTING) notBefore = clock.now() + intervalMs;
    const problem = await post(options, progress, timeoutMs);
    if (problem !== undefined && !hasFailed) options.log(`progress is not reported: ${problem}`);
    hasFailed ||= problem !== undefined;
  };
  const start = (): void => {
    takeBack = undefined;
    sending = send(TIMEOUT_MS).finally(() => {
      sending = undefined;
      plan();
    });
  };
  const plan = (): void => {
    if (isClosed || takeBack || sending || latest === undefined) return;
    if (latest === STARTING) start();
    else takeBack = clock.after(Math.max(notBefore - clock.now(), COALESCE_MS), start);
  };
  return {
    report(progress) {
      latest = progress;
      plan();
    },
    async close() {
      isClosed = true;
      takeBack?.();
      await sending;
      await send(LAST_TIMEOUT_MS);
    },
  };
}

/** @returns what went wrong, if anything did. */
async function post(
  { url, token, attempt, buildId }: ProgressOptions,
  progress: Progress,
  timeoutMs: number,
): Promise<string | undefined> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ attempt, buildId, ...progress }),
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    await response.body?.cancel();
    return response.ok ? undefined : `HTTP ${response.status}`;
  } catch (error) {
    return messageOf(error);
  }
}
