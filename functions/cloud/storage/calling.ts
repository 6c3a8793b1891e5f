import type { Clock } from "../../../shared/clock.ts";
import { type Calling, calling } from "../google-error.ts";

/** Before the second and the third try. */
const PAUSES_MS = [100, 400];
const PASSING_CODES = [408, 429, 500, 502, 503, 504];
/** As Node names what becomes of connections. */
const PASSING_NAMES =
  /^(E(CONN\w+|TIMEDOUT|PIPE|AI_AGAIN|NOTFOUND|NETUNREACH)|ERR_STREAM_PREMATURE_CLOSE)$/;

/**
 * How calls to Cloud Storage are run. What fails and may pass is asked again twice, shortly after.
 *
 * Google's client must not repeat anything by itself: a download that it repeats throws where
 * nobody can catch it, and the process ends. All that is asked here may be asked twice: it reads,
 * erases, or creates what is not there.
 */
export function callingStorage(timers: Pick<Clock, "after">): Calling {
  const call = calling("Cloud Storage", timers);
  return (ask) => call(() => repeated(ask, timers));
}

async function repeated<T>(ask: () => Promise<T>, timers: Pick<Clock, "after">): Promise<T> {
  for (const pauseMs of PAUSES_MS) {
    try {
      return await ask();
    } catch (error) {
      if (!mayPass(error)) throw error;
    }
    await new Promise<void>((resolve) => void timers.after(pauseMs, resolve));
  }
  return ask();
}

function mayPass(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  if (typeof code === "number") return PASSING_CODES.includes(code);
  return typeof code === "string" ? PASSING_NAMES.test(code) : error.message === "socket hang up";
}
