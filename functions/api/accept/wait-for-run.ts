import type { Run } from "../../../shared/documents/run.ts";
import type { Services } from "../../services/services.ts";

/** How long somebody waits: at most so many seconds, and not after `signal` has aborted. */
export interface Patience {
  seconds: number;
  signal: AbortSignal;
}

/**
 * Waits until a run is done, the time is over, the caller has hung up or the process is told to
 * end.
 *
 * @returns the run as it then is, done or not; undefined: it was not seen, or there is none of that
 * id
 * @throws {AppError} unavailable, rate_limited if Firestore ends the listener
 */
export async function waitForRun(
  { watch, closing, timers }: Pick<Services, "watch" | "closing" | "timers">,
  id: string,
  { seconds, signal }: Patience,
): Promise<Run | undefined> {
  const { promise: over, resolve: finish, reject } = Promise.withResolvers<void>();
  const stop = () => finish();
  let latest: Run | undefined;
  using waiting = new DisposableStack();
  for (const end of [signal, closing]) {
    if (end.aborted) return undefined;
    end.addEventListener("abort", stop);
    waiting.defer(() => end.removeEventListener("abort", stop));
  }
  waiting.defer(timers.after(seconds * 1000, stop));
  const next = (run: Run | undefined) => {
    latest = run;
    if (run === undefined || run.done) finish();
  };
  waiting.defer(watch.watchRun(id, { next, failed: reject }));
  await over;
  return latest;
}
